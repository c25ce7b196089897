; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; An access that may cross a page cannot be made through one translated pointer; it is made of bytes, through a
; place on the stack.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @load(
; CHECK-NEXT: [[SLOT:%.*]] = alloca i64, align 16
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %p to i64
; CHECK: call void @gpufas_load_bytes(ptr [[SLOT]], i64 [[ADDRESS]], i64 8, i32 1)
; CHECK: [[VALUE:%.*]] = load i64, ptr [[SLOT]], align 16
; CHECK: ret i64 [[VALUE]]
define i64 @load(ptr %p) {
  %value = load i64, ptr %p, align 4
  ret i64 %value
}

; CHECK-LABEL: @store(
; CHECK-NEXT: [[SLOT:%.*]] = alloca i32, align 16
; CHECK: store i32 %value, ptr [[SLOT]], align 16
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %p to i64
; CHECK: call void @gpufas_store_bytes(i64 [[ADDRESS]], ptr [[SLOT]], i64 4, i32
; CHECK-NOT: store i32 %value, ptr %p
; CHECK: ret void
define void @store(ptr %p, i32 %value) {
  store i32 %value, ptr %p, align 1
  ret void
}

; CHECK-LABEL: @own(
; CHECK-NOT: call
; CHECK: store i64 0, ptr %at, align 1
define void @own() {
  %local = alloca [16 x i8]
  %at = getelementptr i8, ptr %local, i64 3
  store i64 0, ptr %at, align 1
  ret void
}
