; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; What lists of the kernel's own build hold is no error: nothing of them is part of the program.

@jiffies = external global i64
@__UNIQUE_ID___addressable_jiffies = internal global ptr @jiffies, section ".discard.addressable"
@llvm.compiler.used = appending global [1 x ptr] [ptr @__UNIQUE_ID___addressable_jiffies], section "llvm.metadata"

; CHECK-LABEL: @f(
define void @f() {
  ret void
}
