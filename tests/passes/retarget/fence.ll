; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; A fence for the compiler alone, as cpu_relax() leaves it, is one for the whole system: LLVM generates no code for
; those of one thread on a GPU.

; CHECK-LABEL: @fences(
; CHECK-NEXT: fence acq_rel
; CHECK-NEXT: fence seq_cst
; CHECK-NEXT: fence acquire
; CHECK-NEXT: ret void
define void @fences() {
  fence syncscope("singlethread") acq_rel
  fence seq_cst
  fence syncscope("singlethread") acquire
  ret void
}
