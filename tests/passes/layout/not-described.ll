; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes layout --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What has no debug information cannot be checked, which is said.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

%struct.task_struct = type { i64, i32 }

; CHECK: warning: no debug information describes `f` and another function: the layout of what is used there is not checked
; CHECK: clang -g
define i32 @f(ptr %p) {
  %pid = getelementptr %struct.task_struct, ptr %p, i32 0, i32 1
  %value = load i32, ptr %pid
  ret i32 %value
}

define i32 @g(ptr %p) {
  %value = load i32, ptr %p
  ret i32 %value
}

; Nothing is used here.
define i32 @h(i32 %value) {
  ret i32 %value
}
