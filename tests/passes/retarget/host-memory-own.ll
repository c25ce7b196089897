; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; A program that has its own keeps it.

; CHECK-NOT: rep movsb
; CHECK: define internal ptr @memcpy(
; CHECK-NOT: rep movsb
define ptr @memcpy(ptr %to, ptr %from, i64 %size) {
  ret ptr %to
}
