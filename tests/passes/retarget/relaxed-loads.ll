; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once,retarget --target cuda --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes llview,translate-once,retarget --target host --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix HOST
; On a GPU a load of kernel memory is relaxed, so that several are under way at once, and still made each time, also if it is volatile
; in the source. What may be the program's own stays volatile, and what is ordered keeps its order.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK: shared
; CHECK: load atomic i64, ptr {{.*}} syncscope("device") monotonic, align 8
; CHECK: load atomic i64, ptr {{.*}} syncscope("device") monotonic, align 8
; CHECK: load atomic volatile i64, ptr {{.*}} acquire
; CHECK: each
; CHECK: load volatile i64, ptr
; CHECK: load volatile i64, ptr
; CHECK: load atomic volatile i64, ptr {{.*}} acquire
; HOST-NOT: syncscope
define i64 @f(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  %third = getelementptr i8, ptr %p, i64 16
  %c = load atomic i64, ptr %third acquire, align 8
  %sum = add i64 %a, %b
  %all = add i64 %sum, %c
  ret i64 %all
}
