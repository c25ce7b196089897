; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A structure that is passed by value is copied by the call itself, out of reach of the translation, so it is
; fetched before; the callee's copy is told apart at run time.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

%s = type { [100 x i64] }
declare void @gpufas_finish(i64)

define void @callee(ptr byval(%s) %s) {
  ret void
}
; CHECK-LABEL: @f(
; CHECK-NEXT: [[SLOT:%.*]] = alloca %s, align 16
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %kernel to i64
; CHECK: call void @gpufas_load_bytes(ptr [[SLOT]], i64 [[ADDRESS]], i64 800, i32
; CHECK: call void @callee(ptr byval(%s) [[SLOT]])
define void @f(ptr %kernel) {
  call void @callee(ptr byval(%s) %kernel)
  ret void
}
; CHECK-LABEL: @own(
; CHECK-NOT: load_bytes
; CHECK: call void @callee(ptr byval(%s) %local)
define void @own() {
  %local = alloca %s
  call void @callee(ptr byval(%s) %local)
  ret void
}
