; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
; Kernel headers ask in places whose result a program never uses for what cannot be known; only a use of it is an error.

; CHECK-LABEL: @not_used(
; CHECK-NOT: gpufas.refused
; CHECK: ret void
define void @not_used() {
  %task = call ptr asm "movq %cr3, $0", "=r"()
  %same = icmp eq ptr %task, null
  ret void
}

; CHECK-LABEL: @used(
; CHECK: call ptr @gpufas.refused.ptr(
define ptr @used() {
  %task = call ptr asm "movq %cr3, $0", "=r"()
  ret ptr %task
}

; What has an effect stays, used or not.
; CHECK-LABEL: @effect(
; CHECK: call void @gpufas.refused(
define void @effect() {
  %value = call i64 asm sideeffect "rdtsc", "={ax},~{dx}"()
  ret void
}
