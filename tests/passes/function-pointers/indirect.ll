; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes function-pointers --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; An indirect function has no address that could be a number: its resolver would be lost.

; CHECK: error: the address of `chosen`, an indirect function, is in a variable, or the pass aliases has not run before
@chosen = ifunc i64 (i64), ptr @choose
@table = global ptr @chosen

define ptr @choose() {
  ret ptr @meant
}

define i64 @meant(i64 %x) {
  ret i64 %x
}
