; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A small copy out of kernel memory, as of a name, becomes loads that are as wide as its alignment allows, and then stores.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; CHECK-LABEL: @name(
; CHECK: call ptr @gpufas_translate_load(i64 {{.*}}, i64 8,
; CHECK: [[A:%.*]] = load volatile i64
; CHECK: call ptr @gpufas_translate_load(i64 {{.*}}, i64 8,
; CHECK: [[B:%.*]] = load volatile i64
; CHECK: call ptr @gpufas_translate_load(i64 {{.*}}, i64 4,
; CHECK: [[C:%.*]] = load volatile i32
; CHECK: store i64 [[A]], {{.*}}, align 4
; CHECK: store i64 [[B]], {{.*}}, align 4
; CHECK: store i32 [[C]], {{.*}}, align 4
; CHECK-NOT: gpufas_copy
; CHECK: ret void
define void @name(ptr %kernel) {
  %own = alloca [20 x i8], align 4
  call void @llvm.memcpy.p0.p0.i64(ptr align 4 %own, ptr align 8 %kernel, i64 20, i1 false)
  ret void
}

; Nothing is known of its alignment, it is large, it is volatile, or it goes beyond the variable: one of the runtime's.
; CHECK-LABEL: @others(
; CHECK-COUNT-4: call void @gpufas_copy(
; CHECK: ret void
define void @others(ptr %kernel) {
  %own = alloca [100 x i8], align 8
  %small = alloca [8 x i8], align 8
  call void @llvm.memcpy.p0.p0.i64(ptr %own, ptr %kernel, i64 16, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %own, ptr align 8 %kernel, i64 100, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %own, ptr align 8 %kernel, i64 16, i1 true)
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %small, ptr align 8 %kernel, i64 16, i1 false)
  ret void
}

; Into kernel memory: the journal has to know what was there.
; CHECK-LABEL: @stored(
; CHECK: call void @gpufas_copy(
; CHECK: ret void
define void @stored(ptr %kernel, ptr %other) {
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %kernel, ptr align 8 %other, i64 16, i1 false)
  ret void
}
