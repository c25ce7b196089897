; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; Code generation calls memcpy() and its like for large copies within the program's own memory; a program is
; linked with no library, so it carries its own, which no optimiser may turn into calls of themselves or drop.

; CHECK: @llvm.used = appending global [3 x ptr] [ptr @memcpy, ptr @memmove, ptr @memset], section "llvm.metadata"
; CHECK: define hidden ptr @memcpy(ptr %{{.*}}, ptr %{{.*}}, i64 %{{.*}}) #[[ATTRIBUTES:[0-9]+]]
; CHECK: "rep movsb"
; CHECK: define hidden ptr @memmove(
; CHECK: define hidden ptr @memset(
; CHECK: "rep stosb"
; CHECK: attributes #[[ATTRIBUTES]] = { noinline nounwind "no-builtins" }
define void @f() {
  ret void
}
