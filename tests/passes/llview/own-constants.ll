; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A store to a constant of the program's own is a fault, also where it is known to be inside: on a GPU nothing else would keep it. A load
; stays as it is.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK: @gpufas_own_variables = constant {{.*}} { ptr @table, i64 -9223372036854775792 }
@table = internal constant [4 x i32] zeroinitializer

; CHECK-LABEL: @f(
; CHECK: load i32, ptr %first
; CHECK: call ptr @gpufas_translate_store(
; CHECK: store volatile i32
; CHECK: call ptr @gpufas_translate_atomic(
; CHECK: atomicrmw volatile
; CHECK: ret void
define void @f() {
  %first = getelementptr [4 x i32], ptr @table, i64 0, i64 1
  %value = load i32, ptr %first, align 4
  store i32 1, ptr %first, align 4
  %old = atomicrmw add ptr %first, i32 1 seq_cst
  ret void
}
