; SPDX-License-Identifier: MIT OR Apache-2.0
; What one call says of its arguments and of itself is not said where others of its type go through the same function.
; RUN: gpufas-cc --passes function-pointers --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

define signext i16 @one(ptr %p, i16 signext %n) {
  ret i16 %n
}

define void @use(ptr %q) {
  store ptr @one, ptr %q
  ret void
}

define i16 @first(ptr %f, ptr %p) {
  %r = tail call zeroext i16 %f(ptr nonnull noundef %p, i16 zeroext 1) noreturn memory(none)
  ret i16 %r
}

define i16 @second(ptr %f, ptr %p) {
  %r = call i16 %f(ptr %p, i16 signext 1)
  ret i16 %r
}

; CHECK-LABEL: define internal i16 @gpufas.call.0(
; CHECK: %{{.*}} = call signext i16 @one(ptr %2, i16 signext %3){{$}}
