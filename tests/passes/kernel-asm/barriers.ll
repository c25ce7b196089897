; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A full barrier is a fence over the system; a compiler barrier keeps the order that x86 gives by itself, which
; a GPU does not; a pause is nothing.

; CHECK-LABEL: @smp_mb(
; CHECK: fence seq_cst
; CHECK: ret void
define void @smp_mb() {
  call void asm sideeffect "lock; addl $$0,-4(%rsp)", "~{memory},~{cc}"()
  ret void
}

; CHECK-LABEL: @mb(
; CHECK: fence seq_cst
define void @mb() {
  call void asm sideeffect "mfence", "~{memory}"()
  ret void
}

; CHECK-LABEL: @rmb(
; CHECK: fence acq_rel
define void @rmb() {
  call void asm sideeffect "lfence", "~{memory}"()
  ret void
}

; CHECK-LABEL: @barrier(
; CHECK-NEXT: fence acq_rel
; CHECK-NEXT: ret void
define void @barrier() {
  call void asm sideeffect "", "~{memory}"()
  ret void
}

; CHECK-LABEL: @cpu_relax(
; CHECK-NOT: fence seq_cst
; CHECK-NOT: fence acq_rel
; CHECK: ret void
define void @cpu_relax() {
  call void asm sideeffect "rep; nop", "~{memory}"()
  ret void
}

; The compiler may move nothing across a statement that says that it changes memory.
; CHECK-LABEL: @clobbers(
; CHECK-NEXT: fence syncscope("singlethread") acq_rel
; CHECK: atomicrmw xchg
; CHECK-NEXT: fence syncscope("singlethread") acq_rel
define void @clobbers(ptr %word, i32 %value) {
  %old = call i32 asm sideeffect "xchgl $0, $1", "=r,=*m,0,*m,~{memory}"(ptr elementtype(i32) %word, i32 %value, ptr elementtype(i32) %word)
  ret void
}
