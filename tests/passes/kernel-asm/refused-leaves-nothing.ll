; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; What was made of a statement up to the instruction that is refused must not be executed.

; CHECK-LABEL: @half_known(
; CHECK-NEXT: %before = load i64, ptr %word
; CHECK-NEXT: call void @gpufas.refused(ptr @gpufas.reason)
; CHECK-NEXT: ret void
define void @half_known(ptr %word) {
  %before = load i64, ptr %word
  call void asm sideeffect "lock; incq $0; incq $0; wbinvd", "=*m,*m,~{memory}"(ptr elementtype(i64) %word, ptr elementtype(i64) %word)
  ret void
}

; CHECK: declare void @gpufas.refused(ptr) #[[ATTRIBUTES:[0-9]+]]
; CHECK: attributes #[[ATTRIBUTES]] = { cold nomerge noreturn nounwind }
