; SPDX-License-Identifier: MIT OR Apache-2.0
; A structure that is passed by value and a pointer to one are of the same type in LLVM, and no call takes one for the other.
; RUN: gpufas-cc --passes function-pointers --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

%big = type { [64 x i64] }

define void @takes_value(ptr byval(%big) %p) {
  ret void
}

define void @takes_pointer(ptr %p) {
  ret void
}

define void @use(ptr %q) {
  store ptr @takes_value, ptr %q
  store ptr @takes_pointer, ptr %q
  ret void
}

; CHECK-LABEL: define void @calls(
; CHECK: call void @gpufas.call.0(ptr %f, i32 {{[0-9]+}}, ptr %p)
; CHECK: call void @gpufas.call.1(ptr %f, i32 {{[0-9]+}}, ptr %p)
define void @calls(ptr %f, ptr %p) {
  call void %f(ptr byval(%big) %p)
  call void %f(ptr %p)
  ret void
}

; CHECK-LABEL: define internal void @gpufas.call.0(
; CHECK-NOT: @takes_pointer
; CHECK: call void @takes_value(ptr byval(%big) %2)
; CHECK-NOT: @takes_pointer
; CHECK-LABEL: define internal void @gpufas.call.1(
; CHECK-NOT: @takes_value
; CHECK: call void @takes_pointer(ptr %2)
