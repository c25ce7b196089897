; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A divisor from a failing kernel may be 0, and the CPU would end the process of the host; so would the smallest
; number divided by -1.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @unsigned(
; CHECK-NEXT: [[BAD:%.*]] = icmp eq i64 %b, 0
; CHECK-NEXT: call void @gpufas.check_division(i1 [[BAD]], i32 1)
; CHECK-NEXT: udiv i64 %a, %b
define i64 @unsigned(i64 %a, i64 %b) {
  %r = udiv i64 %a, %b
  ret i64 %r
}
; CHECK-LABEL: @signed(
; CHECK: [[ZERO:%.*]] = icmp eq i32 %b, 0
; CHECK: [[SMALLEST:%.*]] = icmp eq i32 %a, -2147483648
; CHECK: [[MINUS:%.*]] = icmp eq i32 %b, -1
; CHECK: [[BOTH:%.*]] = and i1 [[SMALLEST]], [[MINUS]]
; CHECK: [[BAD:%.*]] = or i1 [[ZERO]], [[BOTH]]
; CHECK: call void @gpufas.check_division(i1 [[BAD]],
; CHECK-NEXT: srem i32 %a, %b
define i32 @signed(i32 %a, i32 %b) {
  %r = srem i32 %a, %b
  ret i32 %r
}
; CHECK-LABEL: @wide(
; CHECK: icmp eq i128 %a, -170141183460469231731687303715884105728
; CHECK: call void @gpufas.check_division(
define i128 @wide(i128 %a, i128 %b) {
  %r = sdiv i128 %a, %b
  ret i128 %r
}
; CHECK-LABEL: @constant(
; CHECK-NOT: check_division
; CHECK: ret i64
define i64 @constant(i64 %a) {
  %r = udiv i64 %a, 10
  %s = sdiv i64 %r, -10
  %t = urem i64 %s, -1
  ret i64 %t
}
; CHECK-LABEL: @by_minus_one(
; CHECK: call void @gpufas.check_division(
define i64 @by_minus_one(i64 %a) {
  %r = sdiv i64 %a, -1
  ret i64 %r
}
; CHECK-LABEL: define internal void @gpufas.check_division(i1 %0, i32 %1)
; CHECK: br i1 %0, label %end, label %good
; CHECK: end:
; CHECK-NEXT: call void @gpufas_fault(i32 11, i32 0, i64 0, i64 0, i32 %1)
; CHECK-NEXT: unreachable
; CHECK: good:
; CHECK-NEXT: ret void
