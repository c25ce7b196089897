; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; What has no meaning outside the CPU, and what is not known, is refused with the reason; nothing is guessed and
; nothing is left out.

; CHECK: c"cpu-state: instruction `popf`: it changes the CPU's flags by more than masking interrupts\00"
; CHECK: c"cpu-state: instruction `rdtsc`: the counters are those of the CPU that executes it; {{.*}}jiffies
; CHECK: c"privileged-instruction: instruction `invlpg`: translations that the failing system's CPUs keep cannot be dropped from outside\00"
; CHECK: c"device-io: instruction `outb`: ports and devices of the failing system cannot be reached\00"
; CHECK: c"kernel-code: instruction `ud2`: it stops the CPU\00"
; CHECK: c"unknown-assembly: instruction `frobnicate` is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: instruction `.byte 0x0f, 0x01, 0xcc` is not known to gpufas-cc\00"
; CHECK: c"kernel-code: it calls `schedule` in the running kernel, and no code of it can run in a recovery program\00"
; CHECK: c"unknown-assembly: a repeated `lods` is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: it jumps to what is no label\00"
; CHECK: c"unknown-assembly: instruction `.if` is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: instruction `.long` is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: it changes a register that it does not say it changes\00"
; CHECK: c"unknown-assembly: instruction `incw2` is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: the width of an instruction is not clear\00"
; CHECK: c"privileged-instruction: register `cr3`: the page tables that a CPU uses; {{.*}}mm_struct

define void @popf(ptr %p) {
  call void asm sideeffect "popf", ""()
  ret void
}

define void @rdtsc(ptr %p) {
  call void asm sideeffect "rdtsc", ""()
  ret void
}

define void @invlpg(ptr %p) {
  call void asm sideeffect "invlpg ($0)", "r"(ptr %p)
  ret void
}

define void @port(ptr %p) {
  call void asm sideeffect "outb %al, %dx", "{dx}"(i16 0)
  ret void
}

define void @stop(ptr %p) {
  call void asm sideeffect ".byte 0x0f, 0x0b", ""()
  ret void
}

define void @unknown(ptr %p) {
  call void asm sideeffect "frobnicate $0", "r"(ptr %p)
  ret void
}

define void @bytes(ptr %p) {
  call void asm sideeffect ".byte 0x0f, 0x01, 0xcc", ""()
  ret void
}

define void @call(ptr %p) {
  call void asm sideeffect "call schedule", ""()
  ret void
}

define void @repeat(ptr %p) {
  call void asm sideeffect "rep; lodsb", ""()
  ret void
}

define void @branch(ptr %p) {
  call void asm sideeffect "1: decl $0; jnz 7f", "*m"(ptr elementtype(i32) %p)
  ret void
}

define void @conditional(ptr %p) {
  call void asm sideeffect ".if 1\0A nop\0A.endif", ""()
  ret void
}

define void @data(ptr %p) {
  call void asm sideeffect ".long 0xcccccccc", ""()
  ret void
}

define void @modifier(ptr %p) {
  call void asm sideeffect "movb ${0:h}, %al", "q"(ptr %p)
  ret void
}

define void @width(ptr %p) {
  call void asm sideeffect "incw2 $0", "*m"(ptr elementtype(i32) %p)
  ret void
}

define void @unclear(ptr %p) {
  call void asm sideeffect "inc $0", "*m"(ptr elementtype(i32) %p)
  ret void
}

define void @register(ptr %p) {
  call void asm sideeffect "mov $0, %cr3", "r"(ptr %p)
  ret void
}

; CHECK-COUNT-16: call void @gpufas.refused(
; CHECK-NOT: asm
