; SPDX-License-Identifier: MIT OR Apache-2.0
; What cannot be part of a program is an error where calls by name lead to it from a function of the user's, although pointers
; may lead there, too.
; RUN: not gpufas-cc --passes function-pointers,reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

declare void @undefined()

; CHECK: error: call of `undefined`, which is not defined
define internal i32 @may_be_meant(ptr %p) "gpufas-kernel-symbol"="kernel/a.c:may_be_meant" {
  call void @undefined()
  ret i32 1
}

@gpufas.callable = global [1 x ptr] [ptr @may_be_meant]

define i32 @entry(ptr %f) {
  %r = call i32 %f(ptr null)
  %s = call i32 @may_be_meant(ptr null)
  ret i32 %s
}
