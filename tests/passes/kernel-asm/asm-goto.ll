; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A jump of asm goto is a branch to its label; of several jumps the first counts whose condition holds.

; CHECK-LABEL: @one(
; CHECK: [[CARRY:%.*]] = icmp ne i8
; CHECK: br i1 [[CARRY]], label %yes, label %no
define i32 @one(ptr %words, i64 %number) {
  callbr void asm sideeffect "btq $1,$0; jc ${2:l}", "*m,Ir,!i,~{memory}"(ptr elementtype(i64) %words, i64 %number)
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; CHECK-LABEL: @always(
; CHECK: br i1 true, label %yes, label %no
define i32 @always() {
  callbr void asm sideeffect "jmp ${0:l}", "!i"()
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; CHECK-LABEL: @never(
; CHECK: br i1 false, label %yes, label %no
define i32 @never() {
  callbr void asm sideeffect "", "!i"()
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; CHECK-LABEL: @two(
; CHECK: [[ZERO:%.*]] = icmp eq i64 {{%.*}}, 0
; CHECK: [[CHOSEN:%.*]] = select i1 [[ZERO]], i32 1, i32 2
; CHECK: switch i32 [[CHOSEN]], label %neither [
; CHECK-NEXT: i32 1, label %equal
; CHECK-NEXT: i32 2, label %different
define i32 @two(i64 %a, i64 %b) {
  callbr void asm sideeffect "cmpq $1,$0; je ${2:l}; jmp ${3:l}", "r,r,!i,!i"(i64 %a, i64 %b)
    to label %neither [label %equal, label %different]
neither:
  ret i32 0
equal:
  ret i32 1
different:
  ret i32 2
}

; CHECK-LABEL: @with_output(
; CHECK: [[SUM:%.*]] = add i64 %a, %b
; CHECK: br i1 {{%.*}}, label %carry, label %none
; CHECK: carry:
; CHECK-NEXT: ret i64 [[SUM]]
define i64 @with_output(i64 %a, i64 %b) {
  %sum = callbr i64 asm sideeffect "addq $2,$0; jc ${3:l}", "=r,0,r,!i"(i64 %a, i64 %b)
    to label %none [label %carry]
none:
  ret i64 0
carry:
  ret i64 %sum
}

; What follows a jump is executed on one way only, in a function of its own.
; CHECK-LABEL: @goes_on(
; CHECK: [[EXIT:%.*]] = call { i32 } @gpufas.asm(ptr %word, i64 %a)
; CHECK: [[NUMBER:%.*]] = extractvalue { i32 } [[EXIT]], 0
; CHECK: [[JUMPS:%.*]] = icmp eq i32 [[NUMBER]], 1
; CHECK: br i1 [[JUMPS]], label %yes, label %no
define i32 @goes_on(ptr %word, i64 %a) {
  callbr void asm sideeffect "cmpq $$0,$1; je ${2:l}; incq $0", "*m,r,!i"(ptr elementtype(i64) %word, i64 %a)
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; CHECK: define internal { i32 } @gpufas.asm(ptr %0, i64 %1) #[[INLINED:[0-9]+]]
; CHECK: attributes #[[INLINED]] = { alwaysinline nounwind }
