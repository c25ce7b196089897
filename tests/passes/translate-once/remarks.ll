; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once -Rpass=llview --emit llvm-ir %s -o %t.ll 2>&1 | FileCheck-22 %s
; Remarks say which loads share a translation.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK: the load shares its translation with another load, and is made together with 1
; CHECK: the load has a translation of its own
define i64 @f(ptr %p, ptr %q) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %c = load i64, ptr %q, align 8
  %sum = add i64 %a, %b
  %all = add i64 %sum, %c
  ret i64 %all
}
