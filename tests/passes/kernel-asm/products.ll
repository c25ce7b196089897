; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Values in two registers, parts of registers, and operands that are variables.

; CHECK-LABEL: @multiply(
; CHECK: [[A:%.*]] = zext i64 %a to i128
; CHECK: [[B:%.*]] = zext i64 %b to i128
; CHECK: [[PRODUCT:%.*]] = mul i128 [[A]], [[B]]
; CHECK: [[LOW:%.*]] = trunc i128 [[PRODUCT]] to i64
; CHECK: [[SHIFTED:%.*]] = lshr i128 [[PRODUCT]], 64
; CHECK: [[HIGH:%.*]] = trunc i128 [[SHIFTED]] to i64
; CHECK: insertvalue { i64, i64 } poison, i64 [[LOW]], 0
; CHECK: insertvalue { i64, i64 } {{%.*}}, i64 [[HIGH]], 1
define { i64, i64 } @multiply(i64 %a, i64 %b) {
  %r = call { i64, i64 } asm "mulq $2", "={ax},={dx},r,0"(i64 %b, i64 %a)
  ret { i64, i64 } %r
}

; CHECK-LABEL: @divide(
; CHECK: call { i64, i64 } @gpufas.divide.i64(i64 %low, i64 %high, i64 %by)
define i64 @divide(i64 %low, i64 %high, i64 %by) {
  %r = call { i64, i64 } asm "divq $2", "={ax},={dx},r,0,1"(i64 %by, i64 %low, i64 %high)
  %quotient = extractvalue { i64, i64 } %r, 0
  ret i64 %quotient
}

; CHECK-LABEL: @exchange(
; CHECK: cmpxchg ptr %at, i128 {{%.*}}, i128 {{%.*}} seq_cst seq_cst, align 16
define i8 @exchange(ptr %at, i64 %low, i64 %high, i64 %b, i64 %c) {
  %r = call { i8, i64, i64 } asm sideeffect "lock; cmpxchg16b $1", "={@ccz},=*m,={ax},={dx},{bx},{cx},*m,2,3,~{memory}"(ptr elementtype(i128) %at, i64 %b, i64 %c, ptr elementtype(i128) %at, i64 %low, i64 %high)
  %equal = extractvalue { i8, i64, i64 } %r, 0
  ret i8 %equal
}

; cmpxchg_double() before 6.5 has the width as an operand.
; CHECK-LABEL: @exchange_double(
; CHECK: cmpxchg ptr %at, i128
define i8 @exchange_double(ptr %at, i64 %low, i64 %high, i64 %b, i64 %c) {
  %r = call { i8, i64, i64 } asm sideeffect "lock; cmpxchg${6:c}b $1; sete $0", "=q,=*m,={ax},={dx},{bx},{cx},i,*m,2,3"(ptr elementtype(i64) %at, i64 %b, i64 %c, i64 16, ptr elementtype(i64) %at, i64 %low, i64 %high)
  %equal = extractvalue { i8, i64, i64 } %r, 0
  ret i8 %equal
}

; "+rm" of a local variable.
; CHECK-LABEL: @variable(
; CHECK: [[SUM:%.*]] = add i64 {{%.*}}, %b
; CHECK: store i64 [[SUM]], ptr %x, align 8
define void @variable(ptr %x, i64 %b) {
  %old = load i64, ptr %x
  call void asm "addq $1, $0", "=*rm,r,0"(ptr elementtype(i64) %x, i64 %b, i64 %old)
  ret void
}

; rip_rel_ptr()
@variable_of_kernel = external global i64
; CHECK-LABEL: @address(
; CHECK-NEXT: ret ptr {{.*}}@variable_of_kernel
define ptr @address() {
  %r = call ptr asm "leaq ${1:c}(%rip), $0", "=r,i"(ptr @variable_of_kernel)
  ret ptr %r
}

; A quotient that does not fit ends the program.
; CHECK: define internal { i64, i64 } @gpufas.divide.i64(i64 %0, i64 %1, i64 %2)
; CHECK: icmp uge i64 %1, %2
; CHECK: call void @gpufas.bug()
