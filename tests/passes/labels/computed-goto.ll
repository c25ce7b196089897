; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes labels --emit llvm-ir %s -o - | FileCheck-22 %s
; A computed goto becomes a switch over the numbers that stand for the addresses of its labels; any other address ends the
; program. Distances between labels are distances between numbers.

; CHECK: @table = internal constant [2 x ptr] [ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 2 to ptr)]
@table = internal constant [2 x ptr] [ptr blockaddress(@jump, %one), ptr blockaddress(@jump, %two)]
; CHECK: @distance = internal constant i32 trunc (i64 sub (i64 ptrtoint (ptr inttoptr (i64 2 to ptr) to i64), i64 ptrtoint (ptr inttoptr (i64 1 to ptr) to i64)) to i32)
@distance = internal constant i32 trunc (i64 sub (i64 ptrtoint (ptr blockaddress(@jump, %two) to i64), i64 ptrtoint (ptr blockaddress(@jump, %one) to i64)) to i32)

; CHECK-LABEL: define i32 @jump(
; CHECK: [[NUMBER:%.*]] = ptrtoint ptr %target to i64
; CHECK-NEXT: switch i64 [[NUMBER]], label %nowhere [
; CHECK-NEXT: i64 1, label %one
; CHECK-NEXT: i64 2, label %two
; CHECK-NEXT: i64 3, label %three
; CHECK-NEXT: ]
; CHECK: nowhere:
; CHECK-NEXT: call void @gpufas.bug()
; CHECK-NEXT: unreachable
define i32 @jump(i64 %n) {
entry:
  %place = getelementptr ptr, ptr @table, i64 %n
  %target = load ptr, ptr %place
  indirectbr ptr %target, [label %one, label %two, label %three]
one:
  ret i32 1
two:
  %x = phi i32 [ 2, %entry ]
  ret i32 %x
three:
  ret i32 3
}

; An address that is never jumped to says only where something is, and is not null.
; CHECK-LABEL: define i64 @here(
; CHECK: ret i64 ptrtoint (ptr inttoptr (i64 1 to ptr) to i64)
define i64 @here() {
  br label %here
here:
  ret i64 ptrtoint (ptr blockaddress(@here, %here) to i64)
}
