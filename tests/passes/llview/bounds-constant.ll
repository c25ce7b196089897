; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A constant place outside the object is a fault at run time, whichever side it is on; an object of no size has
; no inside.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@empty = internal global [0 x i32] zeroinitializer

; CHECK-LABEL: @behind(
; CHECK: call void @gpufas.check_bounds(i64 {{.*}}, i64 4, i64 8, i32
define void @behind() {
  %local = alloca [2 x i32]
  %at = getelementptr i8, ptr %local, i64 5
  store i32 0, ptr %at
  ret void
}
; CHECK-LABEL: @before(
; CHECK: call void @gpufas.check_bounds(i64 {{.*}}, i64 4, i64 8, i32
define void @before() {
  %local = alloca [2 x i32]
  %at = getelementptr i32, ptr %local, i64 -1
  store i32 0, ptr %at
  ret void
}
; CHECK-LABEL: @wider(
; CHECK: call void @gpufas.check_bounds(i64 {{.*}}, i64 8, i64 4, i32
define void @wider() {
  %local = alloca i32
  store i64 0, ptr %local
  ret void
}
; CHECK-LABEL: @nothing(
; CHECK: call void @gpufas.check_bounds(i64 {{.*}}, i64 4, i64 0, i32
define i32 @nothing() {
  %value = load i32, ptr @empty
  ret i32 %value
}
; Beyond what 64 bits hold.
; CHECK-LABEL: @far(
; CHECK: call void @gpufas.check_bounds(
define void @far() {
  %local = alloca i32
  %one = getelementptr [9223372036854775807 x i8], ptr %local, i64 1
  %two = getelementptr [9223372036854775807 x i8], ptr %one, i64 1
  %three = getelementptr i8, ptr %two, i64 2
  store i32 0, ptr %three
  ret void
}
