; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; Nothing in the kernel is thread-local, and per-CPU variables are not what C means by it.

@variable = external thread_local global i32
; CHECK: error: `variable` is thread-local, which nothing in the kernel is
define i32 @f() {
  %v = load i32, ptr @variable
  ret i32 %v
}
