; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Assembly at the level of the module is the kernel's own link's: symbol tables, export entries.

module asm ".section \22___ksymtab+x\22, \22a\22"
module asm ".globl x"

; CHECK-NOT: module asm
define void @f() {
  ret void
}
