; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; An initial value cannot hold an address that is known only at run time; a variable that no code uses is none
; of the program's.

@jiffies = external global i64
@table = internal global [2 x ptr] [ptr null, ptr getelementptr (i8, ptr @jiffies, i64 8)]
@indirect = internal global ptr @table
@__UNIQUE_ID___addressable_jiffies = internal global ptr @jiffies, section ".discard.addressable"
@llvm.compiler.used = appending global [1 x ptr] [ptr @__UNIQUE_ID___addressable_jiffies], section "llvm.metadata"

; CHECK: error: the initial value of `table` needs the address of `jiffies`, which is known only when the program runs
; CHECK: note: assign it in the entry point
; CHECK-NOT: addressable
; CHECK: 1 error generated
define ptr @use() {
  %p = load ptr, ptr @indirect
  ret ptr %p
}
