; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Operands, constraints, sections and dialects that are not known are refused with the reason; nothing is
; guessed.

; CHECK: c"unknown-assembly: its exception table entry has a form that is not known to gpufas-cc\00"
; CHECK: c"patched-code: it calls the hypervisor through the kernel's paravirtualisation table\00"
; CHECK: c"patched-code: it is listed in section `.patchable`, by which the running kernel may have changed it\00"
; CHECK: c"unknown-assembly: assembly in Intel syntax is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: it uses registers other than the general-purpose ones\00"
; CHECK: c"unknown-assembly: it uses registers other than the general-purpose ones\00"
; CHECK: c"unknown-assembly: an operand in a register is no integer or pointer of at most 64 bits\00"
; CHECK: c"unknown-assembly: an output is never set\00"
; CHECK: c"unknown-assembly: it reads a register that it has not set\00"
; CHECK: c"unknown-assembly: it accesses an address space that is not the kernel's\00"
; CHECK: c"unknown-assembly: an operand is neither register, memory nor number\00"
; CHECK: c"unknown-assembly: an operand has a form that is not known to gpufas-cc\00"
; CHECK: c"unknown-assembly: an operand has a form that is not known to gpufas-cc\00"

@other = external addrspace(257) global i32

define i32 @exceptions(ptr %p) {
  %r = call i32 asm sideeffect "1: movl $1,$0\0A2:\0A .pushsection \22__ex_table\22,\22a\22\0A .balign 4\0A .long (1b) - .\0A .popsection", "=r,*m"(ptr elementtype(i32) %p)
  ret i32 %r
}

define i32 @paravirtual(ptr %p) {
  %r = call i32 asm sideeffect "771:\0A\09call *$1;\0A772:\0A.pushsection .parainstructions,\22a\22\0A.popsection", "=r,*m"(ptr elementtype(i32) %p)
  ret i32 %r
}

define i32 @other_section(ptr %p) {
  %r = call i32 asm sideeffect "mov $1,$0\0A1:\0A.pushsection .patchable,\22a\22\0A.long 1b - . - 4\0A.popsection", "=r,i"(i32 -1985229329)
  ret i32 %r
}

define i32 @intel(ptr %p) {
  %r = call i32 asm sideeffect inteldialect "mov $0, $1", "=r,r"(i32 0)
  ret i32 %r
}

define i32 @other_registers(ptr %p) {
  %r = call i32 asm sideeffect "movaps $1, $0", "=x,x"(i32 0)
  ret i32 %r
}

define i64 @pair(ptr %p) {
  %r = call i64 asm sideeffect "rdtsc", "=A"()
  ret i64 %r
}

define i128 @wide(ptr %p) {
  %r = call i128 asm sideeffect "nop", "=r,0"(i128 0)
  ret i128 %r
}

define i32 @never_set(ptr %p) {
  %r = call i32 asm sideeffect "nop", "=r"()
  ret i32 %r
}

define i32 @not_set_yet(ptr %p) {
  %r = call i32 asm sideeffect "addl $1, $0", "=r,r"(i32 1)
  ret i32 %r
}

define i32 @other_space(ptr %p) {
  %r = call i32 asm sideeffect "movl $1, $0", "=r,*m"(ptr addrspace(257) elementtype(i32) @other)
  ret i32 %r
}

define i32 @expression(ptr %p) {
  %r = call i32 asm sideeffect "movl symbol(%rip), $0", "=r"()
  ret i32 %r
}

define i32 @negated(ptr %p) {
  %r = call i32 asm sideeffect "movl ${1:n}, $0", "=q,i"(i32 4)
  ret i32 %r
}

define i64 @address_as_number(ptr %p) {
  %r = call i64 asm sideeffect "movq $1, $0", "=r,p"(ptr %p)
  ret i64 %r
}

; CHECK-COUNT-13: call void @gpufas.refused(
; CHECK-NOT: asm
