; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; The kernel sets and clears flags in words that other CPUs change, so a locked operation is one atomic
; operation of exactly its width; what it lists for patching means nothing.

; CHECK-LABEL: @set_bit(
; CHECK-NEXT: [[MASK:%.*]] = trunc i32 %mask to i8
; CHECK-NEXT: atomicrmw or ptr %word, i8 [[MASK]] seq_cst, align 1
define void @set_bit(ptr %word, i32 %mask) {
  call void asm sideeffect ".pushsection .smp_locks,\22a\22\0A.balign 4\0A.long 671f - .\0A.popsection\0A671:\0A\09lock; orb ${1:b},$0", "=*m,iq,*m,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr elementtype(i8) %word, i32 %mask, ptr elementtype(i8) %word)
  ret void
}

; CHECK-LABEL: @clear_bit(
; CHECK: atomicrmw and ptr %word, i8 -9 seq_cst, align 1
define void @clear_bit(ptr %word) {
  call void asm sideeffect "lock; andb ${1:b},$0", "=*m,iq,*m,~{memory}"(ptr elementtype(i8) %word, i32 -9, ptr elementtype(i8) %word)
  ret void
}

; CHECK-LABEL: @atomic64_xor(
; CHECK: atomicrmw xor ptr %word, i64 %value seq_cst, align 8
define void @atomic64_xor(ptr %word, i64 %value) {
  call void asm sideeffect "lock; xorq $1,$0", "=*m,er,*m,~{memory}"(ptr elementtype(i64) %word, i64 %value, ptr elementtype(i64) %word)
  ret void
}

; CHECK-NOT: asm
; CHECK-NOT: smp_locks
