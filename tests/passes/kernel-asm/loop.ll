; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A template with jumps to labels of its own becomes a function that is inlined, with registers and flags as variables.

; CHECK-LABEL: define i64 @sum(
; CHECK: [[WHOLE:%.*]] = call { i64, i64, i32 } @gpufas.asm(i64 %count, ptr %at)
; CHECK: extractvalue { i64, i64, i32 } [[WHOLE]], 0
define i64 @sum(ptr %at, i64 %count) {
  %r = call { i64, i64 } asm "xorq $0, $0\0A1: addq ($2), $0\0A decq $1\0A jnz 1b", "=&r,=&r,r,1"(ptr %at, i64 %count)
  %sum = extractvalue { i64, i64 } %r, 0
  ret i64 %sum
}

; The flag of an instruction that only one of the ways comes by is no condition.
; CHECK-LABEL: define i64 @undefined_flag(
; CHECK: call i64 @gpufas.refused.i64(
define i64 @undefined_flag(i64 %a) {
  %r = call i64 asm "testq $1, $1; js 1f; shlq $$2, $0; 1: jnz 2f; incq $0; 2:", "=r,r,0"(i64 %a, i64 %a)
  ret i64 %r
}

; Neither is a register that only one of the ways sets.
; CHECK-LABEL: define i64 @undefined_register(
; CHECK: call i64 @gpufas.refused.i64(
define i64 @undefined_register(i64 %a) {
  %r = call i64 asm "testq $1, $1; js 1f; movq $1, %rcx; 1: movq %rcx, $0", "=r,r,~{rcx}"(i64 %a)
  ret i64 %r
}

; An input stays what it is.
; CHECK-LABEL: define i64 @changed_input(
; CHECK: call i64 @gpufas.refused.i64(
define i64 @changed_input(i64 %a) {
  %r = call i64 asm "1: incq $1; jnz 1b; movq $1, $0", "=r,r"(i64 %a)
  ret i64 %r
}

; Only what was accepted is left, with room for two registers and four flags.
; CHECK: define internal { i64, i64, i32 } @gpufas.asm(i64 %0, ptr %1)
; CHECK-COUNT-2: alloca i64
; CHECK-COUNT-4: alloca i1
; CHECK: br i1 {{%.*}}, label %[[BODY:.*]], label
; CHECK-NOT: define
