; SPDX-License-Identifier: MIT OR Apache-2.0
; What cannot be part of a program ends it at run time where only a pointer in the kernel's memory may lead there, since most of
; what such a pointer may mean is never called.
; RUN: gpufas-cc --passes function-pointers,reachability --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

declare void @undefined()

; CHECK: define internal i32 @may_be_meant(
; CHECK: call void @gpufas_unsupported(ptr @gpufas.reason, i32 {{[0-9]+}})
; CHECK-NOT: @undefined
define internal i32 @may_be_meant(ptr %p) "gpufas-kernel-symbol"="kernel/a.c:may_be_meant" {
  call void @undefined()
  ret i32 1
}

@gpufas.callable = global [1 x ptr] [ptr @may_be_meant]

; A symbol that only such functions mention need not be found when the program is loaded.
; CHECK: attributes {{.*}} "gpufas-speculative"
define i32 @entry(ptr %f) {
  %r = call i32 %f(ptr null)
  ret i32 %r
}
