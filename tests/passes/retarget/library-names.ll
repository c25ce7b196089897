; SPDX-License-Identifier: MIT OR Apache-2.0
; The kernel's own memcmp() is a function as any other: a code generator would make loads of a call of C's, which are not translated.
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s

define i32 @memcmp(ptr %a, ptr %b, i64 %n) {
  ret i32 0
}

; CHECK: call i32 @memcmp(ptr %a, ptr %b, i64 16) [[NONE:#[0-9]+]]
; CHECK: attributes [[NONE]] = { nobuiltin }
define i32 @f(ptr %a, ptr %b) {
  %r = call i32 @memcmp(ptr %a, ptr %b, i64 16)
  ret i32 %r
}
