; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target host --passes llview,translate-once -Rpass-missed=llview --emit llvm-ir %s -o %t.ll 2>&1 | FileCheck-22 --check-prefixes CHECK,HOST %s
; RUN: gpufas-cc --target cuda --passes llview,translate-once -Rpass-missed=llview --emit llvm-ir %s -o %t.ll 2>&1 | FileCheck-22 --check-prefixes CHECK,GPU %s
; Remarks say why accesses share nothing, and why loads of one object are not made together. Loads that are have none.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK: the store has a translation of its own: the journal has to know the place of each
; CHECK: the atomic operation has a translation of its own: the journal has to know the place of each

; CHECK: not made together with earlier ones of its object: a store, a call or something else that no load is moved over
define i64 @stored(ptr %p, ptr %q) {
  %a = load i64, ptr %p, align 8
  store i64 1, ptr %q, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %old = atomicrmw add ptr %q, i64 1 seq_cst
  %sum = add i64 %a, %b
  ret i64 %sum
}

; CHECK-NEXT: not made together with earlier ones of its object: a load that the source wants in order stands between
; CHECK-NEXT: shares its translation with no other: none is at a known distance from its address
define i64 @ordered(ptr %p, ptr %q) {
  %a = load volatile i64, ptr %p, align 8
  %c = load volatile i64, ptr %q, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  %sum = add i64 %a, %b
  %all = add i64 %sum, %c
  ret i64 %all
}

; The host makes none ahead, whatever stands between.
; GPU-NEXT: not made together with earlier ones of its object: a condition or a loop stands between
; HOST-NOT: a condition or a loop
define i64 @under_a_condition(ptr %p, i1 %ok) {
entry:
  %a = load volatile i64, ptr %p, align 8
  br i1 %ok, label %yes, label %end
yes:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  br label %end
end:
  %result = phi i64 [ %b, %yes ], [ %a, %entry ]
  ret i64 %result
}

; Both say the same.
; CHECK: those at known distances from its address are too far away, or aligned differently
define i64 @far(ptr %p) {
  %a = load i64, ptr %p, align 8
  %far = getelementptr i8, ptr %p, i64 65536
  %b = load i64, ptr %far, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; CHECK-NOT: remark:
define i64 @together(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}
