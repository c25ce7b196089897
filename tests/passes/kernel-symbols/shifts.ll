; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; A count that nobody knows is taken modulo the width, as x86 takes it: else a GPU would shift everything out.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @words(
; CHECK: [[LEFT:%.*]] = and i32 %count, 31
; CHECK: shl i32 %value, [[LEFT]]
; CHECK: [[RIGHT:%.*]] = and i32 %count, 31
; CHECK: ashr i32 %{{.*}}, [[RIGHT]]
define i32 @words(i32 %value, i32 %count) {
  %left = shl i32 %value, %count
  %right = ashr i32 %left, %count
  ret i32 %right
}

; CHECK-LABEL: @longs(
; CHECK: [[COUNT:%.*]] = and i64 %count, 63
; CHECK: lshr i64 %value, [[COUNT]]
; CHECK: [[WIDE:%.*]] = and i128 %wide, 127
; CHECK: shl i128 %wide, [[WIDE]]
define i64 @longs(i64 %value, i64 %count, i128 %wide) {
  %right = lshr i64 %value, %count
  %big = shl i128 %wide, %wide
  %low = trunc i128 %big to i64
  %both = add i64 %right, %low
  ret i64 %both
}

; Counts that are known stay as they are.
; CHECK-LABEL: @known(
; CHECK-NEXT: shl i32 %value, 31
; CHECK-NEXT: ret
define i32 @known(i32 %value) {
  %left = shl i32 %value, 31
  ret i32 %left
}
