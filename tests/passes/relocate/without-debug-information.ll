; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --relocatable --passes layout,relocate --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; Nothing is known of what is accessed, so nothing can be looked up.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

%struct.task_struct = type { i64, i32 }

; CHECK: error: no debug information describes `f`, so that nothing in it can be relocated
define i32 @f(ptr %p) {
  %pid = getelementptr %struct.task_struct, ptr %p, i32 0, i32 1
  %value = load i32, ptr %pid
  ret i32 %value
}
