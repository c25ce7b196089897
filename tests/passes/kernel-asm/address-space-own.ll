; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; A variable of the program's own is nowhere relative to a segment.

; CHECK: error: `mine` is defined relative to a segment, where a program has no variables of its own
@mine = internal addrspace(256) global i32 3

define i32 @read() {
  %value = load i32, ptr addrspace(256) @mine
  ret i32 %value
}
