; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --target cuda --emit llvm-ir %s -o - | FileCheck-22 %s
; What the optimiser knows of a value under a condition is not said of a load that is made ahead of it. And code to which nothing leads,
; in which an address may be made of itself, is compiled.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @condition(
; CHECK: shared:
; CHECK-COUNT-2: load volatile i64
; CHECK-NOT: !noundef
; CHECK: each:
; CHECK: !noundef
; CHECK: ret i64
define i64 @condition(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8, !noundef !0
  br label %end
end:
  %result = phi i64 [ %b, %yes ], [ 1, %entry ]
  ret i64 %result
}

; CHECK-LABEL: @unreachable(
; CHECK: ret void
define void @unreachable() {
  ret void
dead:
  %q = getelementptr i8, ptr %q, i64 0
  %v = load i64, ptr %q, align 8
  br label %dead
}

!0 = !{}
