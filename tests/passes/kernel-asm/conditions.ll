; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Every condition of a comparison that can be an output, by the flags of which it is made.

; CHECK-LABEL: @conditions(
; CHECK-DAG: [[CARRY:%.*]] = icmp ult i64 %a, %b
; CHECK-DAG: [[DIFFERENCE:%.*]] = sub i64 %a, %b
; CHECK-DAG: [[ZERO:%.*]] = icmp eq i64 [[DIFFERENCE]], 0
; CHECK-DAG: [[SIGN:%.*]] = icmp slt i64 [[DIFFERENCE]], 0
; CHECK-DAG: [[OPERANDS:%.*]] = xor i64 %a, %b
; CHECK-DAG: [[CHANGE:%.*]] = xor i64 %a, [[DIFFERENCE]]
; CHECK-DAG: [[BOTH:%.*]] = and i64 [[OPERANDS]], [[CHANGE]]
; CHECK-DAG: [[OVERFLOW:%.*]] = icmp slt i64 [[BOTH]], 0
; CHECK: zext i1 [[CARRY]] to i8
; CHECK: [[NC:%.*]] = xor i1 [[CARRY]], true
; CHECK: zext i1 [[NC]] to i8
; CHECK: zext i1 [[ZERO]] to i8
; CHECK: [[NZ:%.*]] = xor i1 [[ZERO]], true
; CHECK: zext i1 [[NZ]] to i8
; CHECK: zext i1 [[SIGN]] to i8
; CHECK: zext i1 [[OVERFLOW]] to i8
; CHECK: [[BE:%.*]] = or i1 [[CARRY]], [[ZERO]]
; CHECK: zext i1 [[BE]] to i8
; CHECK: [[BE2:%.*]] = or i1 [[CARRY]], [[ZERO]]
; CHECK: [[A:%.*]] = xor i1 [[BE2]], true
; CHECK: zext i1 [[A]] to i8
; CHECK: [[L:%.*]] = xor i1 [[SIGN]], [[OVERFLOW]]
; CHECK: zext i1 [[L]] to i8
; CHECK: [[L2:%.*]] = xor i1 [[SIGN]], [[OVERFLOW]]
; CHECK: [[LE:%.*]] = or i1 [[L2]], [[ZERO]]
; CHECK: zext i1 [[LE]] to i8
define void @conditions(i64 %a, i64 %b, ptr %out) {
  %flags = call { i8, i8, i8, i8, i8, i8, i8, i8, i8, i8 } asm "cmpq $11, $10", "={@ccc},={@ccnc},={@ccz},={@ccnz},={@ccs},={@cco},={@ccbe},={@cca},={@ccl},={@ccle},r,r"(i64 %a, i64 %b)
  store { i8, i8, i8, i8, i8, i8, i8, i8, i8, i8 } %flags, ptr %out
  ret void
}
