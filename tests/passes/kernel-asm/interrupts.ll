; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; No interrupt of the failing system reaches a recovery program: they read as on, and masking them does nothing.

; CHECK: c"privileged-instruction: instruction `hlt`: {{.*}}

; CHECK-LABEL: @save(
; CHECK: ret i64 514
define i64 @save() {
  %flags = call i64 asm sideeffect "# __raw_save_flags\0A\09pushf ; pop $0", "=rm,~{memory}"()
  ret i64 %flags
}

; CHECK-LABEL: @mask(
; CHECK-NOT: call
; CHECK: ret void
define void @mask(i64 %flags) {
  call void asm sideeffect "cli", "~{memory}"()
  call void asm sideeffect "sti", "~{memory}"()
  call void asm sideeffect "push $0 ; popf", "imr,~{memory},~{cc}"(i64 %flags)
  ret void
}

; CHECK-LABEL: @sleep(
; CHECK: call void @gpufas.refused(
define void @sleep() {
  call void asm sideeffect "sti; hlt", "~{memory}"()
  ret void
}
