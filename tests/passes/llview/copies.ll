; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; Copies and fills of which a side may be the kernel's are made by the runtime; within the program's own memory
; they stay.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.inline.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.inline.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.element.unordered.atomic.p0.p0.i64(ptr, ptr, i64, i32)

; CHECK-LABEL: @kernel(
; CHECK: [[TO:%.*]] = ptrtoint ptr %a to i64
; CHECK: [[FROM:%.*]] = ptrtoint ptr %b to i64
; CHECK: call void @gpufas_copy(i64 [[TO]], i64 [[FROM]], i64 %n, i32 1)
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 16, i32 1)
; CHECK: call void @gpufas_fill(i64 {{%.*}}, i8 %byte, i64 32, i32 1)
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 8, i32 1)
; CHECK: call void @gpufas_fill(i64 {{%.*}}, i8 0, i64 8, i32 1)
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 12, i32 1)
; CHECK-NEXT: ret void
define void @kernel(ptr %a, ptr %b, i64 %n, i8 %byte) {
  call void @llvm.memcpy.p0.p0.i64(ptr %a, ptr %b, i64 %n, i1 false)
  call void @llvm.memmove.p0.p0.i64(ptr %a, ptr %b, i64 16, i1 false)
  call void @llvm.memset.p0.i64(ptr %a, i8 %byte, i64 32, i1 false)
  call void @llvm.memcpy.inline.p0.p0.i64(ptr %a, ptr %b, i64 8, i1 false)
  call void @llvm.memset.inline.p0.i64(ptr %a, i8 0, i64 8, i1 false)
  call void @llvm.memcpy.element.unordered.atomic.p0.p0.i64(ptr align 4 %a, ptr align 4 %b, i64 12, i32 4)
  ret void
}

; CHECK-LABEL: @own(
; CHECK: call void @llvm.memcpy.p0.p0.i64(ptr %a, ptr %b, i64 64, i1 false)
; CHECK: call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 64, i1 false)
; CHECK-NEXT: ret void
define void @own() {
  %a = alloca [64 x i8]
  %b = alloca [64 x i8]
  call void @llvm.memcpy.p0.p0.i64(ptr %a, ptr %b, i64 64, i1 false)
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 64, i1 false)
  ret void
}
