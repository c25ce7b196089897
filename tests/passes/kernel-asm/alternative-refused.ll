; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; What the running kernel made of an alternative can mean something else, as TASK_SIZE_MAX with five levels of
; page tables; then nothing is known of its result.

; CHECK: @gpufas.reason = private constant {{.*}} c"patched-code: the kernel replaces its instructions by others, according to the CPU that it runs on\00"

; CHECK-LABEL: @task_size_max(
; CHECK-NOT: 140737488351232
; CHECK: call void @gpufas.refused(ptr @gpufas.reason)
define i64 @task_size_max() {
  %r = call i64 asm sideeffect "# ALT: oldnstr\0A661:\0A\09movq $2,$0\0A662:\0A# ALT: padding\0A.skip -(((6651f-6641f)-(662b-661b)) > 0) * ((6651f-6641f)-(662b-661b)),0x90\0A663:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ( 4*32+23)\0A .byte 663b-661b\0A .byte 6651f-6641f\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A# ALT: replacement 1\0A6641:\0A\09movq $1,$0\0A6651:\0A.popsection\0A", "=r,i,i"(i64 72057594037923840, i64 140737488351232)
  ret i64 %r
}

; CHECK-LABEL: @untagged(
; CHECK: call void @gpufas.refused(
define i64 @untagged(i64 %address) {
  %r = call i64 asm sideeffect "# ALT: oldnstr\0A661:\0A\09\0A662:\0A# ALT: padding\0A.skip -(((6651f-6641f)-(662b-661b)) > 0) * ((6651f-6641f)-(662b-661b)),0x90\0A663:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ( 4*32+23)\0A .byte 663b-661b\0A .byte 6651f-6641f\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A# ALT: replacement 1\0A6641:\0A\09and %gs:$2, $0\0A6651:\0A.popsection\0A", "=r,0,*m"(i64 %address, ptr elementtype(i64) @tlbstate_untag_mask)
  ret i64 %r
}

@tlbstate_untag_mask = external global i64
