; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s --implicit-check-not=gpufas_stored_value
; A store goes through its own translation, which records it.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK-NEXT: [[ADDRESS:%.*]] = ptrtoint ptr %p to i64
; CHECK-NEXT: [[AT:%.*]] = call ptr @gpufas_translate_store(i64 [[ADDRESS]], i64 2, i32 1)
; CHECK-NEXT: store volatile i16 %value, ptr [[AT]], align 2
; CHECK-NEXT: call void @gpufas_stored(i32 1)
; CHECK-NEXT: ret void
define void @f(ptr %p, i16 %value) {
  store i16 %value, ptr %p, align 2
  ret void
}

; What is stored is data, whatever it looks like.
; CHECK-LABEL: @pointer(
; CHECK: [[AT:%.*]] = call ptr @gpufas_translate_store(
; CHECK: store volatile ptr %value, ptr [[AT]], align 8
define void @pointer(ptr %p, ptr %value) {
  store ptr %value, ptr %p, align 8
  ret void
}
