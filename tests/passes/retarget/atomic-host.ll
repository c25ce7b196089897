; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; On the host an atomic operation is one, against the guest's CPUs, too.

; CHECK-LABEL: @f(
; CHECK-NEXT: atomicrmw or ptr %p, i8 4 seq_cst, align 1
; CHECK-NEXT: cmpxchg ptr %p, i32 0, i32 1 seq_cst seq_cst, align 4
define void @f(ptr %p) {
  %old = atomicrmw or ptr %p, i8 4 seq_cst
  %pair = cmpxchg ptr %p, i32 0, i32 1 seq_cst seq_cst
  ret void
}
