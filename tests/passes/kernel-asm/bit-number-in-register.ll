; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A bit number in a register counts, signed, from the start of the words, however far it leads; the access is to
; the one byte that holds the bit.

; CHECK-LABEL: @test_and_set_bit(
; CHECK: [[AT:%.*]] = ashr i64 %number, 3
; CHECK: [[BYTE:%.*]] = getelementptr i8, ptr %words, i64 [[AT]]
; CHECK: [[LOW:%.*]] = and i64 %number, 7
; CHECK: [[SHIFT:%.*]] = trunc i64 [[LOW]] to i8
; CHECK: [[MASK:%.*]] = shl i8 1, [[SHIFT]]
; CHECK: [[OLD:%.*]] = atomicrmw or ptr [[BYTE]], i8 [[MASK]] seq_cst, align 1
; CHECK: [[BIT:%.*]] = and i8 [[OLD]], [[MASK]]
; CHECK: icmp ne i8 [[BIT]], 0
define i8 @test_and_set_bit(ptr %words, i64 %number) {
  %was = call i8 asm sideeffect " lock;  btsq  $2, $0\0A\09/* output condition code c*/\0A", "=*m,={@ccc},Ir,*m,~{memory}"(ptr elementtype(i64) %words, i64 %number, ptr elementtype(i64) %words)
  ret i8 %was
}

; CHECK-LABEL: @clear(
; CHECK: [[MASK:%.*]] = shl i8 1,
; CHECK: [[REST:%.*]] = xor i8 [[MASK]], -1
; CHECK: atomicrmw and ptr {{%.*}}, i8 [[REST]] seq_cst, align 1
define void @clear(ptr %words, i64 %number) {
  call void asm sideeffect "lock; btrq $1,$0", "*m,Ir,~{memory}"(ptr elementtype(i64) %words, i64 %number)
  ret void
}

; CHECK-LABEL: @change(
; CHECK: atomicrmw xor ptr {{%.*}}, i8
define void @change(ptr %words, i64 %number) {
  call void asm sideeffect "lock; btcq $1,$0", "*m,Ir,~{memory}"(ptr elementtype(i64) %words, i64 %number)
  ret void
}

; CHECK-LABEL: @number_of_32_bits(
; CHECK: [[WIDE:%.*]] = sext i32 %number to i64
; CHECK: ashr i64 [[WIDE]], 3
define i8 @number_of_32_bits(ptr %words, i32 %number) {
  %bit = call i8 asm sideeffect "btl $2,$1", "={@ccc},*m,Ir"(ptr elementtype(i32) %words, i32 %number)
  ret i8 %bit
}

; Too large for the constraint I, so it is not in the text but in a register.
; CHECK-LABEL: @constant_in_a_register(
; CHECK: [[BYTE:%.*]] = getelementptr i8, ptr %words, i64 12
; CHECK: atomicrmw or ptr [[BYTE]], i8 16 seq_cst
define void @constant_in_a_register(ptr %words) {
  call void asm sideeffect "lock; btsq $1,$0", "*m,Ir,~{memory}"(ptr elementtype(i64) %words, i64 100)
  ret void
}
