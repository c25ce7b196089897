; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A size that comes from the kernel must not let a copy run over the end of the program's own variable: over
; other variables and the addresses to which functions return.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare ptr @strncpy(ptr, ptr, i64)

; CHECK-LABEL: @copy(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 %n, i64 16, i32 {{[0-9]+}})
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 %n, i32 {{[0-9]+}})
define void @copy(ptr %kernel, i64 %n) {
  %local = alloca [16 x i8]
  call void @llvm.memcpy.p0.p0.i64(ptr %local, ptr %kernel, i64 %n, i1 false)
  ret void
}
; CHECK-LABEL: @read(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 %n, i64 16, i32 {{[0-9]+}})
; CHECK: call void @gpufas_copy(
define void @read(ptr %kernel, i64 %n) {
  %local = alloca [16 x i8]
  call void @llvm.memcpy.p0.p0.i64(ptr %kernel, ptr %local, i64 %n, i1 false)
  ret void
}
; CHECK-LABEL: @fill(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 20, i64 16, i32 {{[0-9]+}})
; CHECK: call void @gpufas_fill(
define void @fill() {
  %local = alloca [16 x i8]
  call void @llvm.memset.p0.i64(ptr %local, i8 0, i64 20, i1 false)
  ret void
}
; CHECK-LABEL: @text(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 %n, i64 16, i32 {{[0-9]+}})
; CHECK: call ptr @gpufas_lib_strncpy(ptr %local, ptr %kernel, i64 %n, i32 {{[0-9]+}})
define void @text(ptr %kernel, i64 %n) {
  %local = alloca [16 x i8]
  %p = call ptr @strncpy(ptr %local, ptr %kernel, i64 %n)
  ret void
}
