; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; The address of a kernel variable is known only when the program runs: it is loaded, once a function, from an
; entry that the loader fills.

@jiffies = external global i64

; CHECK-NOT: @jiffies
; CHECK: @gpufas.symbol.jiffies = external global i64
; CHECK-LABEL: @twice(
; CHECK-NEXT: [[ADDRESS:%.*]] = load i64, ptr @gpufas.symbol.jiffies, align 8, !invariant.load
; CHECK-NEXT: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK-NEXT: load i64, ptr [[POINTER]]
; CHECK-NEXT: store i64 0, ptr [[POINTER]]
; CHECK-NOT: load i64, ptr @gpufas.symbol.jiffies
define i64 @twice() {
  %value = load i64, ptr @jiffies
  store i64 0, ptr @jiffies
  ret i64 %value
}
; CHECK-LABEL: @other_function(
; CHECK: load i64, ptr @gpufas.symbol.jiffies
define ptr @other_function() {
  ret ptr @jiffies
}
