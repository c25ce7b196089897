; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A condition that the instructions leave undefined must not be made up: after a bit test there is a carry, and
; no zero.

; CHECK: @gpufas.reason = private constant {{.*}} c"unknown-assembly: condition `z` is not defined there\00"
; CHECK: @gpufas.reason.1 = private constant {{.*}} c"unknown-assembly: condition `o` is not defined there\00"
; CHECK: @gpufas.reason.2 = private constant {{.*}} c"unknown-assembly: condition `z` is not defined there\00"
; CHECK: @gpufas.reason.3 = private constant {{.*}} c"unknown-assembly: condition `p` is not defined there\00"
; CHECK: @gpufas.reason.4 = private constant {{.*}} c"unknown-assembly: condition `c` is not defined there\00"

; CHECK-LABEL: @zero_of_a_bit_test(
; CHECK-NEXT: call void @gpufas.refused(ptr @gpufas.reason)
define i8 @zero_of_a_bit_test(ptr %words, i64 %number) {
  %zero = call i8 asm sideeffect "btq $2,$1", "={@ccz},*m,Ir"(ptr elementtype(i64) %words, i64 %number)
  ret i8 %zero
}

define i8 @overflow_after_adc(i32 %a, i32 %b) {
  %result = call { i32, i8 } asm sideeffect "addl $2,$0; adcl $2,$0", "=r,={@cco},r,0"(i32 %b, i32 %a)
  %overflow = extractvalue { i32, i8 } %result, 1
  ret i8 %overflow
}

define i8 @zero_after_a_shift(i32 %a) {
  %result = call { i32, i8 } asm sideeffect "addl $$1,$0; shll $$3,$0", "=r,={@ccz},0"(i32 %a)
  %zero = extractvalue { i32, i8 } %result, 1
  ret i8 %zero
}

define i8 @parity(i32 %a) {
  %parity = call i8 asm sideeffect "cmpl $$1,$1", "={@ccp},r"(i32 %a)
  ret i8 %parity
}

define i8 @carry_of_nothing() {
  %carry = call i8 asm sideeffect "", "={@ccc}"()
  ret i8 %carry
}
