; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Without the prefix it is a load, the operation and a store; none of them may be left out or made twice, since
; the memory is the kernel's.

; CHECK-LABEL: @local_add(
; CHECK-NEXT: [[OLD:%.*]] = load volatile i64, ptr %counter, align 8
; CHECK-NEXT: [[NEW:%.*]] = add i64 [[OLD]], %value
; CHECK-NEXT: store volatile i64 [[NEW]], ptr %counter, align 8
; CHECK-NOT: atomicrmw
; CHECK: ret void
define void @local_add(ptr %counter, i64 %value) {
  call void asm sideeffect "addq $1,$0", "=*m,ir,*m"(ptr elementtype(i64) %counter, i64 %value, ptr elementtype(i64) %counter)
  ret void
}

; CHECK-LABEL: @nonatomic_set_bit(
; CHECK: [[OLD:%.*]] = load volatile i8, ptr [[BYTE:%.*]], align 1
; CHECK: [[NEW:%.*]] = or i8 [[OLD]],
; CHECK: store volatile i8 [[NEW]], ptr [[BYTE]], align 1
; CHECK-NOT: atomicrmw
; CHECK: ret void
define void @nonatomic_set_bit(ptr %words, i64 %number) {
  call void asm sideeffect "btsq $1,$0", "*m,Ir,~{memory}"(ptr elementtype(i64) %words, i64 %number)
  ret void
}
