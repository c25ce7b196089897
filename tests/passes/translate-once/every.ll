; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --translate every --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes llview,translate-once --translate once --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix ONCE
; --translate=every is what the papers describe, to compare with: nothing is shared, and the runtime walks the page tables.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK: @gpufas_translate_every = constant i8 1
; CHECK-LABEL: @f(
; CHECK-COUNT-2: call ptr @gpufas_translate_load(
; CHECK-NOT: gpufas_context
; ONCE: @gpufas_translate_every = constant i8 0
define i64 @f(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}
