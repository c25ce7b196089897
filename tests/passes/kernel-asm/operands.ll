; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Operands that are tied, share a register, are read and written, or stand for a part of a register.

; CHECK-LABEL: @hide(
; CHECK-NEXT: ret i64 %value
define i64 @hide(i64 %value) {
  %same = call i64 asm "", "=r,0"(i64 %value)
  ret i64 %same
}

; clang ties an input in the register of an output to it only by the register's name.
; CHECK-LABEL: @same_register(
; CHECK-NEXT: [[SUM:%.*]] = add i64 %a, %b
; CHECK: ret i64 [[SUM]]
define i64 @same_register(i64 %a, i64 %b) {
  %sum = call i64 asm "addq $2, %rax", "={ax},{ax},r"(i64 %a, i64 %b)
  ret i64 %sum
}

; A write of 32 bits clears the upper half.
; CHECK-LABEL: @half(
; CHECK: [[LOW:%.*]] = trunc i64 %b to i32
; CHECK: [[WHOLE:%.*]] = zext i32 [[LOW]] to i64
; CHECK: ret i64 [[WHOLE]]
define i64 @half(i64 %a, i64 %b) {
  %r = call i64 asm "movl ${1:k},${0:k}", "=r,r,0"(i64 %b, i64 %a)
  ret i64 %r
}

; A narrower one keeps the rest.
; CHECK-LABEL: @byte(
; CHECK: [[LOW:%.*]] = trunc i64 %b to i8
; CHECK: [[REST:%.*]] = and i64 %a, -256
; CHECK: [[WIDE:%.*]] = zext i8 [[LOW]] to i64
; CHECK: [[WHOLE:%.*]] = or i64 [[REST]], [[WIDE]]
; CHECK: ret i64 [[WHOLE]]
define i64 @byte(i64 %a, i64 %b) {
  %r = call i64 asm "movb ${1:b},${0:b}", "=q,q,0"(i64 %b, i64 %a)
  ret i64 %r
}

; A number in the text is extended with its sign.
; CHECK-LABEL: @number(
; CHECK: add i64 %a, -5
define i64 @number(i64 %a) {
  %r = call i64 asm "addq $1,$0", "=r,i,0"(i32 -5, i64 %a)
  ret i64 %r
}

; The register says how wide an instruction without a suffix is.
; CHECK-LABEL: @array_index_mask(
; CHECK: [[BELOW:%.*]] = icmp ult i64 %index, %size
; CHECK: [[BIT:%.*]] = zext i1 [[BELOW]] to i64
; CHECK: [[MASK:%.*]] = sub i64 0, [[BIT]]
; CHECK: ret i64 [[MASK]]
define i64 @array_index_mask(i64 %index, i64 %size) {
  %mask = call i64 asm sideeffect "cmp $1,$2; sbb $0,$0;", "=r,imr,r,~{cc}"(i64 %size, i64 %index)
  ret i64 %mask
}

; CHECK-LABEL: @memory_beside_a_pointer(
; CHECK: [[AT:%.*]] = getelementptr i8, ptr %base, i64 -8
; CHECK: load volatile i64, ptr [[AT]], align 8
define i64 @memory_beside_a_pointer(ptr %base) {
  %r = call i64 asm sideeffect "movq -8($1),$0", "=r,r"(ptr %base)
  ret i64 %r
}

; An address for lock debugging only.
; CHECK-LABEL: @this_ip(
; CHECK-NEXT: ret i64 0
define i64 @this_ip() {
  %ip = call i64 asm "lea 0(%rip), $0", "=r"()
  ret i64 %ip
}
