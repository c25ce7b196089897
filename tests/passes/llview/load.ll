; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A load that may be of kernel memory goes through the translation; it is made as it is, once, since kernel
; memory changes under the program.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK-NEXT: [[ADDRESS:%.*]] = ptrtoint ptr %p to i64
; CHECK-NEXT: [[AT:%.*]] = call ptr @gpufas_translate_load(i64 [[ADDRESS]], i64 4, i32 1)
; CHECK-NEXT: [[VALUE:%.*]] = load volatile i32, ptr [[AT]], align 4
; CHECK-NEXT: ret i32 [[VALUE]]
define i32 @f(ptr %p) {
  %value = load i32, ptr %p, align 4
  ret i32 %value
}

; CHECK-LABEL: @ordered(
; CHECK: load atomic volatile i64, ptr {{%.*}} acquire, align 8
define i64 @ordered(ptr %p) {
  %value = load atomic i64, ptr %p acquire, align 8
  ret i64 %value
}

; CHECK-LABEL: @pointer(
; CHECK: call ptr @gpufas_translate_load(i64 {{%.*}}, i64 8, i32
; CHECK: load volatile ptr
define ptr @pointer(ptr %p) {
  %value = load ptr, ptr %p, align 8
  ret ptr %value
}
