; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; What kernel code promises never to reach, it can reach with the memory of a failing kernel; it ends the
; program, and where something else does so before, nothing is added.

declare void @panic() noreturn

; CHECK-LABEL: @promise(
; CHECK: never:
; CHECK-NEXT: call void @gpufas.bug()
; CHECK-NEXT: unreachable
define i32 @promise(i32 %kind) {
  switch i32 %kind, label %never [
    i32 0, label %zero
  ]
zero:
  ret i32 1
never:
  unreachable
}

; CHECK-LABEL: @after_the_end(
; CHECK-NEXT: call void @panic()
; CHECK-NEXT: unreachable
define void @after_the_end() {
  call void @panic()
  unreachable
}
