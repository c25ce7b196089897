; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A program that takes locks says what each of its stores has left, in values: what it stored under a lock may have to be taken back.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @gpufas_lock_taking(ptr, i32)

; CHECK-LABEL: @stores(
; CHECK: store volatile i8 %a, ptr
; CHECK-NEXT: call void @gpufas_stored(i32
; CHECK-NEXT: [[BYTE:%.*]] = zext i8 %a to i64
; CHECK-NEXT: call void @gpufas_stored_value(i64 [[BYTE]])
; CHECK: store volatile ptr %b, ptr
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %b to i64
; CHECK-NEXT: call void @gpufas_stored_value(i64 [[ADDRESS]])
define void @stores(ptr %p, i8 %a, ptr %b) {
  call void @gpufas_lock_taking(ptr %p, i32 4)
  store i8 %a, ptr %p
  store ptr %b, ptr %p
  ret void
}

; CHECK-LABEL: @update(
; CHECK: [[OLD:%.*]] = atomicrmw volatile or ptr {{%.*}}, i8 4 seq_cst
; CHECK-NEXT: [[NEW:%.*]] = or i8 [[OLD]], 4
; CHECK-NEXT: [[FROM:%.*]] = zext i8 [[OLD]] to i64
; CHECK-NEXT: [[TO:%.*]] = zext i8 [[NEW]] to i64
; CHECK-NEXT: call void @gpufas_exchanged(i64 [[FROM]], i64 [[TO]])
define void @update(ptr %p) {
  %old = atomicrmw or ptr %p, i8 4 seq_cst
  ret void
}

; One that fails has stored nothing, whatever is there.
; CHECK-LABEL: @exchange(
; CHECK: [[PAIR:%.*]] = cmpxchg volatile ptr {{%.*}}, i64 %a, i64 %b seq_cst seq_cst
; CHECK-DAG: [[OLD:%.*]] = extractvalue { i64, i1 } [[PAIR]], 0
; CHECK-DAG: [[DONE:%.*]] = extractvalue { i64, i1 } [[PAIR]], 1
; CHECK: [[NEW:%.*]] = select i1 [[DONE]], i64 %b, i64 [[OLD]]
; CHECK: call void @gpufas_exchanged(i64 [[OLD]], i64 [[NEW]])
define i64 @exchange(ptr %p, i64 %a, i64 %b) {
  %pair = cmpxchg ptr %p, i64 %a, i64 %b seq_cst seq_cst
  %old = extractvalue { i64, i1 } %pair, 0
  ret i64 %old
}

; CHECK-LABEL: @swap(
; CHECK: [[OLD:%.*]] = atomicrmw volatile xchg ptr {{%.*}}, ptr %a seq_cst
; CHECK-DAG: [[FROM:%.*]] = ptrtoint ptr [[OLD]] to i64
; CHECK-DAG: [[TO:%.*]] = ptrtoint ptr %a to i64
; CHECK: call void @gpufas_exchanged(i64 [[FROM]], i64 [[TO]])
define void @swap(ptr %p, ptr %a) {
  %old = atomicrmw xchg ptr %p, ptr %a seq_cst
  ret void
}

; What is wider, no number or the program's own is not told.
; CHECK-LABEL: @others(
; CHECK-NOT: gpufas_stored_value
; CHECK-NOT: gpufas_exchanged
; CHECK: ret void
define void @others(ptr %p, i128 %a, double %b) {
  %counter = alloca i32
  store i128 %a, ptr %p, align 16
  store double %b, ptr %p
  store i32 0, ptr %counter
  %old = atomicrmw add ptr %counter, i32 1 seq_cst
  ret void
}
