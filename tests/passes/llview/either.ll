; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; What may be the program's own or the kernel's is told apart at run time, by the runtime.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@own = internal global i32 0

; CHECK-LABEL: @selected(
; CHECK: %p = select
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %p to i64
; CHECK: [[AT:%.*]] = call ptr @gpufas_translate_load(i64 [[ADDRESS]], i64 4,
; CHECK: load volatile i32, ptr [[AT]]
define i32 @selected(i1 %which, ptr %kernel) {
  %p = select i1 %which, ptr @own, ptr %kernel
  %value = load i32, ptr %p
  ret i32 %value
}

; CHECK-LABEL: @merged(
; CHECK: %p = phi
; CHECK: call ptr @gpufas_translate_store(
define void @merged(i1 %which, ptr %kernel) {
entry:
  %local = alloca i32
  br i1 %which, label %yes, label %end
yes:
  br label %end
end:
  %p = phi ptr [ %local, %yes ], [ %kernel, %entry ]
  store i32 1, ptr %p
  ret void
}

; Two objects.
; CHECK-LABEL: @two(
; CHECK: call ptr @gpufas_translate_store(
define void @two(i1 %which) {
  %local = alloca i32
  %p = select i1 %which, ptr @own, ptr %local
  store i32 1, ptr %p
  ret void
}

; Made from a number.
; CHECK-LABEL: @number(
; CHECK: call ptr @gpufas_translate_load(
define i32 @number(i64 %number) {
  %local = alloca i32
  %start = ptrtoint ptr %local to i64
  %sum = add i64 %start, %number
  %p = inttoptr i64 %sum to ptr
  %value = load i32, ptr %p
  ret i32 %value
}

; Not defined here, so not the program's own.
@elsewhere = external global i32
; CHECK-LABEL: @undefined(
; CHECK: call ptr @gpufas_translate_load(
define i32 @undefined() {
  %value = load i32, ptr @elsewhere
  ret i32 %value
}
