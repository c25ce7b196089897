; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes variadic --emit llvm-ir %s -o - | FileCheck-22 %s
; A function that accesses no memory (__attribute_const__) reads its variable arguments there from now on.

declare void @llvm.va_start.p0(ptr)

; CHECK: call i64 @sum(i64 1, ptr %{{.*}})
; CHECK-NOT: memory(none)
; CHECK-NOT: speculatable
define i64 @calls() {
  %r = call i64 (i64, ...) @sum(i64 1, i64 2) memory(none)
  ret i64 %r
}

define internal i64 @sum(i64 %n, ...) memory(none) speculatable {
  %list = alloca [24 x i8], align 16
  call void @llvm.va_start.p0(ptr %list)
  ret i64 %n
}
