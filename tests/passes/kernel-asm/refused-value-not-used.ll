; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
; Kernel headers ask for `current` in places whose result a program never uses; only a use of it is an error.

@current_task = external global ptr

; CHECK-LABEL: @not_used(
; CHECK-NOT: gpufas.refused
; CHECK: ret void
define void @not_used() {
  %task = call ptr asm "movq %gs:${1:P}, $0", "=r,p"(ptr @current_task)
  %same = icmp eq ptr %task, null
  ret void
}

; CHECK-LABEL: @used(
; CHECK: call ptr @gpufas.refused.ptr(
define ptr @used() {
  %task = call ptr asm "movq %gs:${1:P}, $0", "=r,p"(ptr @current_task)
  ret ptr %task
}

; What has an effect stays, used or not.
; CHECK-LABEL: @effect(
; CHECK: call void @gpufas.refused(
define void @effect() {
  %value = call i64 asm sideeffect "rdtsc", "={ax},~{dx}"()
  ret void
}
