; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Where an alternative means something else than the original, the choice is made as the running kernel made it.

; task_size_max(): by whether the kernel runs with five levels of page tables.
; CHECK-LABEL: @task_size_max(
; CHECK: [[SHIFT:%.*]] = load volatile i32, ptr @pgdir_shift
; CHECK: [[FIVE:%.*]] = icmp ugt i32 [[SHIFT]], 39
; CHECK: select i1 [[FIVE]], i64 72057594037923840, i64 140737488351232
define i64 @task_size_max() {
  %r = call i64 asm "661:\0A\09movq $2,$0\0A662:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word (16*32+16)\0A .byte 663b-661b\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A6641:\0A\09movq $3,$0\0A6651:\0A.popsection\0A", "=r,i,i,i"(i64 0, i64 140737488351232, i64 72057594037923840)
  ret i64 %r
}

; stac(): what it allows is no concern of a recovery program's.
; CHECK-LABEL: @stac(
; CHECK-NEXT: fence acq_rel
; CHECK-NEXT: ret void
define void @stac() {
  call void asm sideeffect "661:\0A662:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ( 9*32+20)\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A6641:\0A .byte 0x0f,0x01,0xcb\0A6651:\0A.popsection\0A", "~{memory}"()
  ret void
}

; alternative_msr_write(): nothing on some CPUs, but not on others.
; CHECK-LABEL: @msr(
; CHECK-NEXT: call void @gpufas.refused(ptr @gpufas.reason)
define void @msr(i32 %a) {
  call void asm sideeffect "661:\0A662:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ${1:c}\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A6641:\0A wrmsr\0A6651:\0A.popsection\0A", "{cx},i,~{memory}"(i32 %a, i32 5)
  ret void
}

; A constant that the kernel writes into its code is the value of the variable that the section names.
; CHECK-LABEL: @user_end(
; CHECK-NEXT: [[VALUE:%.*]] = load volatile i64, ptr @USER_PTR_MAX, align 8
; CHECK-NEXT: ret i64 [[VALUE]]
define i64 @user_end() {
  %r = call i64 asm "mov $1,$0\0A1:\0A.pushsection runtime_ptr_USER_PTR_MAX,\22a\22\0A\09.long 1b - ${2:c} - .\0A.popsection", "=r,i,i"(i64 81985529216486895, i64 8)
  ret i64 %r
}

; CHECK-LABEL: @hash(
; CHECK: [[SHIFT:%.*]] = load volatile i32, ptr @d_hash_shift
; CHECK: [[COUNT:%.*]] = and i32 [[SHIFT]], 31
; CHECK: lshr i32 %value, [[COUNT]]
define i32 @hash(i32 %value) {
  %r = call i32 asm "shrl $$12,${0:k}\0A1:\0A.pushsection runtime_shift_d_hash_shift,\22a\22\0A\09.long 1b - 1 - .\0A.popsection", "=r,0"(i32 %value)
  ret i32 %r
}
