; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 --check-prefix=HOST %s
; A variable of one bit, as LLVM makes of a bool, has a byte on a GPU, whose value is 1 and not -1.

; CHECK-DAG: @flag = internal global i8 1, align 1
; HOST-DAG: @flag = internal global i1 true
@flag = internal global i1 true
; CHECK-DAG: @odd = internal global i32 100000, align 4
@odd = internal global i17 100000, align 4
; CHECK-DAG: @whole = internal global i64 5
@whole = internal global i64 5

define i1 @use(i1 %x) {
  %old = load i1, ptr @flag
  store i1 %x, ptr @flag
  %o = load i17, ptr @odd
  %w = load i64, ptr @whole
  ret i1 %old
}
