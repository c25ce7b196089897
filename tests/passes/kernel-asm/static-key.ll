; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A static key is read instead of patched: the branch is taken if the key is enabled, and if it was compiled as
; likely taken, if it is not (jump_label_type() in kernel/jump_label.c).

%struct.static_key = type { i32, ptr }
@key = external global %struct.static_key

; CHECK-LABEL: @unlikely(
; CHECK: [[ENABLED:%.*]] = load volatile i32, ptr @key, align 4
; CHECK: [[TRUE:%.*]] = icmp ne i32 [[ENABLED]], 0
; CHECK: [[TAKEN:%.*]] = xor i1 [[TRUE]], false
; CHECK: br i1 [[TAKEN]], label %yes, label %no
define i32 @unlikely() {
  callbr void asm sideeffect "1:jmp ${2:l} # objtool NOPs this \0A\09.pushsection __jump_table,  \22aw\22 \0A\09 .balign 8 \0A\09.long 1b - . \0A\09.long ${2:l} - . \0A\09 .quad ${0:c} + ${1:c} - .\0A\09.popsection \0A\09", "i,i,!i"(ptr @key, i1 false)
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; CHECK-LABEL: @likely(
; CHECK: [[ENABLED:%.*]] = load volatile i32, ptr @key, align 4
; CHECK: [[TRUE:%.*]] = icmp ne i32 [[ENABLED]], 0
; CHECK: [[TAKEN:%.*]] = xor i1 [[TRUE]], true
; CHECK: br i1 [[TAKEN]], label %yes, label %no
define i32 @likely() {
  callbr void asm sideeffect "1:jmp ${2:l} # objtool NOPs this \0A\09.pushsection __jump_table,  \22aw\22 \0A\09 .balign 8 \0A\09.long 1b - . \0A\09.long ${2:l} - . \0A\09 .quad ${0:c} + ${1:c} - .\0A\09.popsection \0A\09", "i,i,!i"(ptr @key, i1 true)
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}

; Bit 1 marks code of the kernel's start.
; CHECK-LABEL: @init(
; CHECK: [[TAKEN:%.*]] = xor i1 {{%.*}}, false
; CHECK: br i1 [[TAKEN]], label %yes, label %no
define i32 @init() {
  callbr void asm sideeffect "1:jmp ${2:l} # objtool NOPs this \0A\09.pushsection __jump_table,  \22aw\22 \0A\09 .balign 8 \0A\09.long 1b - . \0A\09.long ${2:l} - . \0A\09 .quad ${0:c} + ${1:c} - .\0A\09.popsection \0A\09", "i,i,!i"(ptr @key, i32 2)
    to label %no [label %yes]
no:
  ret i32 0
yes:
  ret i32 1
}
