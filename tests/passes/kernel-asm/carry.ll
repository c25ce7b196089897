; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Checksums carry from one addition into the next.

; CHECK-LABEL: @csum_fold(
; CHECK: [[SUM:%.*]] = add i32 %a, %b
; CHECK: [[CARRY:%.*]] = icmp ult i32 [[SUM]], %a
; CHECK: [[MORE:%.*]] = zext i1 [[CARRY]] to i32
; CHECK: [[NEXT:%.*]] = add i32 [[SUM]], 65535
; CHECK: add i32 [[NEXT]], [[MORE]]
define i32 @csum_fold(i32 %a, i32 %b) {
  %sum = call i32 asm "addl $1, $0 ;\0Aadcl $$0xffff, $0", "=r,r,0"(i32 %b, i32 %a)
  ret i32 %sum
}

; inc leaves the carry alone.
; CHECK-LABEL: @carry_over_inc(
; CHECK: [[SUM:%.*]] = add i32 %a, %b
; CHECK: [[CARRY:%.*]] = icmp ult i32 [[SUM]], %a
; CHECK: [[NEXT:%.*]] = add i32 [[SUM]], 1
; CHECK: zext i1 [[CARRY]] to i8
define { i32, i8 } @carry_over_inc(i32 %a, i32 %b) {
  %r = call { i32, i8 } asm "addl $2, $0; incl $0", "=r,={@ccc},r,0"(i32 %b, i32 %a)
  ret { i32, i8 } %r
}
