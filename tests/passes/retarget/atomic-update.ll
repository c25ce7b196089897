; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; On a GPU an atomic operation on host memory is not atomic against the CPU, and a narrow one would be made of a
; wide one; so it is a load, the operation and a store, of exactly its width.

; CHECK-LABEL: @or(
; CHECK-NEXT: fence seq_cst
; CHECK-NEXT: [[OLD:%.*]] = load volatile i8, ptr %p, align 1
; CHECK-NEXT: [[NEW:%.*]] = or i8 [[OLD]], 4
; CHECK-NEXT: store volatile i8 [[NEW]], ptr %p, align 1
; CHECK-NEXT: fence seq_cst
; CHECK-NEXT: ret i8 [[OLD]]
define i8 @or(ptr %p) {
  %old = atomicrmw or ptr %p, i8 4 seq_cst
  ret i8 %old
}

; CHECK-LABEL: @all(
; CHECK: add i64
; CHECK: sub i64
; CHECK: and i64
; CHECK: xor i64
; CHECK: [[BOTH:%.*]] = and i64
; CHECK: xor i64 [[BOTH]], -1
; CHECK: [[GREATER:%.*]] = icmp sgt i64 [[OLD:%.*]], %v
; CHECK: select i1 [[GREATER]], i64 [[OLD]], i64 %v
; CHECK: icmp slt i64
; CHECK: icmp ugt i64
; CHECK: icmp ult i64
; CHECK: load volatile i64, ptr %p, align 8
; CHECK-NEXT: store volatile i64 %v, ptr %p, align 8
; CHECK-NOT: atomicrmw
; CHECK: ret void
define void @all(ptr %p, i64 %v) {
  %1 = atomicrmw add ptr %p, i64 %v seq_cst
  %2 = atomicrmw sub ptr %p, i64 %v monotonic
  %3 = atomicrmw and ptr %p, i64 %v seq_cst
  %4 = atomicrmw xor ptr %p, i64 %v seq_cst
  %5 = atomicrmw nand ptr %p, i64 %v seq_cst
  %6 = atomicrmw max ptr %p, i64 %v seq_cst
  %7 = atomicrmw min ptr %p, i64 %v seq_cst
  %8 = atomicrmw umax ptr %p, i64 %v seq_cst
  %9 = atomicrmw umin ptr %p, i64 %v seq_cst
  %10 = atomicrmw xchg ptr %p, i64 %v seq_cst
  ret void
}

; A pointer is exchanged as one.
; CHECK-LABEL: @pointer(
; CHECK: load volatile ptr, ptr %p, align 8
; CHECK: store volatile ptr null, ptr %p, align 8
; CHECK: fence seq_cst
; CHECK-NEXT: ret void
define void @pointer(ptr %p) {
  %1 = atomicrmw xchg ptr %p, ptr null seq_cst
  ret void
}
