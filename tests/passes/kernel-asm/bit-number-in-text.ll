; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A bit number in the text stays inside the operand: the CPU takes it modulo the width.

; CHECK-LABEL: @inside(
; CHECK: [[BYTE:%.*]] = getelementptr i8, ptr %words, i64 1
; CHECK: atomicrmw or ptr [[BYTE]], i8 32 seq_cst
define void @inside(ptr %words) {
  call void asm sideeffect "lock; btsq $1,$0", "*m,Ir,~{memory}"(ptr elementtype(i64) %words, i64 13)
  ret void
}

; CHECK-LABEL: @modulo_the_width(
; CHECK: [[BYTE:%.*]] = getelementptr i8, ptr %words, i64 0
; CHECK: atomicrmw or ptr [[BYTE]], i8 16 seq_cst
define void @modulo_the_width(ptr %words) {
  call void asm sideeffect "lock; btsl $1,$0", "*m,i,~{memory}"(ptr elementtype(i32) %words, i32 100)
  ret void
}

; Not known before inlining, but nothing but the text is allowed.
; CHECK-LABEL: @not_known_yet(
; CHECK: [[INSIDE:%.*]] = and i64 %number, 63
; CHECK: ashr i64 [[INSIDE]], 3
define void @not_known_yet(ptr %words, i64 %number) {
  call void asm sideeffect "lock; btsq $1,$0", "*m,i,~{memory}"(ptr elementtype(i64) %words, i64 %number)
  ret void
}

; CHECK-LABEL: @of_a_register(
; CHECK: [[INSIDE:%.*]] = and i64 %number, 63
; CHECK: [[MASK:%.*]] = shl i64 1, [[INSIDE]]
; CHECK: and i64 %value, [[MASK]]
define i8 @of_a_register(i64 %value, i64 %number) {
  %bit = call i8 asm "btq $2,$1", "={@ccc},r,r"(i64 %value, i64 %number)
  ret i8 %bit
}
