; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s --implicit-check-not=gpufas_exchanged
; An atomic operation reads and writes, so it goes through a translation of its own.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @update(
; CHECK: [[AT:%.*]] = call ptr @gpufas_translate_atomic(i64 {{%.*}}, i64 1, i32
; CHECK: atomicrmw volatile or ptr [[AT]], i8 4 seq_cst
; CHECK-NOT: gpufas_translate_load
define void @update(ptr %p) {
  %old = atomicrmw or ptr %p, i8 4 seq_cst
  ret void
}

; CHECK-LABEL: @exchange(
; CHECK: [[AT:%.*]] = call ptr @gpufas_translate_atomic(i64 {{%.*}}, i64 8, i32
; CHECK: cmpxchg volatile ptr [[AT]], i64 %a, i64 %b seq_cst seq_cst
define void @exchange(ptr %p, i64 %a, i64 %b) {
  %pair = cmpxchg ptr %p, i64 %a, i64 %b seq_cst seq_cst
  ret void
}

; CHECK-LABEL: @own(
; CHECK-NOT: translate
; CHECK: atomicrmw add ptr %counter, i32 1 seq_cst
define void @own() {
  %counter = alloca i32
  %old = atomicrmw add ptr %counter, i32 1 seq_cst
  ret void
}
