; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; get_user() and put_user() by a function fault, as user addresses are never translated: -EFAULT and no value.

; CHECK-LABEL: @get(
; CHECK-NEXT: ret { i32, i64 } { i32 -14, i64 0 }
define { i32, i64 } @get(ptr %at) {
  %r = call { i32, i64 } asm sideeffect "call __get_user_${3:P}", "={ax},={rdx},0,i"(ptr %at, i64 8)
  ret { i32, i64 } %r
}

; CHECK-LABEL: @put(
; CHECK: ret i32 -14
define i32 @put(ptr %at, i32 %value) {
  %r = call i32 asm sideeffect "call __put_user_nocheck_${3:c}", "={cx},0,{rax},i,~{ebx}"(ptr %at, i32 %value, i64 4)
  ret i32 %r
}

; copy_user_generic() before 6.4: whichever function the kernel takes, nothing is copied, and the length comes back.
; CHECK-LABEL: @copy(
; CHECK: ret i32 %length
declare void @copy_user_generic_unrolled()
declare void @copy_user_generic_string()
declare void @copy_user_enhanced_fast_string()
define i32 @copy(ptr %to, ptr %from, i32 %length) {
  %r = call { i32, ptr, ptr, i32 } asm sideeffect "661:\0A\09call ${4:P}\0A662:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ( 3*32+16)\0A .byte 663b-661b\0A .long 661b - .\0A .long 6642f - .\0A .word ( 9*32+ 9)\0A .byte 663b-661b\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A6641:\0A\09call ${5:P}\0A6651:\0A6642:\0A\09call ${6:P}\0A6652:\0A.popsection\0A", "={ax},={di},={si},={dx},i,i,i,1,2,3,~{memory},~{rcx},~{r8},~{r9},~{r10},~{r11}"(ptr @copy_user_generic_unrolled, ptr @copy_user_generic_string, ptr @copy_user_enhanced_fast_string, ptr %to, ptr %from, i32 %length)
  %left = extractvalue { i32, ptr, ptr, i32 } %r, 0
  ret i32 %left
}

; Of another size there is none.
; CHECK-LABEL: @other(
; CHECK: call void @gpufas.refused(
define { i32, i64 } @other(ptr %at) {
  %r = call { i32, i64 } asm sideeffect "call __get_user_${3:c}", "={ax},={rdx},0,i"(ptr %at, i64 3)
  ret { i32, i64 } %r
}
