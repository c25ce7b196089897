; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
; An access that may fault is made if the runtime says that it is possible; else the program goes on as the exception table
; says. Addresses of user processes, which are not negative, are never accessed.

; unsafe_put_user(): to the label.
; CHECK-LABEL: @put_user(
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %at to i64
; CHECK: [[USER:%.*]] = icmp sge ptr %at, null
; CHECK: [[ANSWER:%.*]] = {{.*}}call i32 @gpufas.accessible(i64 [[ADDRESS]], i64 4, i32 2)
; CHECK: [[NO:%.*]] = icmp eq i32 [[ANSWER]], 0
; CHECK: [[FAULTS:%.*]] = or i1 [[USER]], [[NO]]
; CHECK: br i1 [[FAULTS]], label
; CHECK: store volatile i32 %value, ptr %at, align 1
define i32 @put_user(ptr %at, i32 %value) {
  callbr void asm sideeffect "\0A1:\09movl $0,$1\0A .pushsection \22__ex_table\22,\22a\22\0A .balign 4\0A .long (1b) - .\0A .long (${2:l}) - .\0A .long 3 \0A .popsection\0A", "ir,*m,!i"(i32 %value, ptr elementtype(i32) %at)
    to label %done [label %fault]
done:
  ret i32 0
fault:
  ret i32 -14
}

; EX_TYPE_EFAULT_REG with EX_FLAG_CLEAR_AX: the error is set and the value cleared.
; CHECK-LABEL: @get_user(
; CHECK: call i32 @gpufas.accessible(i64 {{%.*}}, i64 8, i32 1)
; CHECK: [[LOADED:%.*]] = load volatile i64, ptr %at, align 1
; CHECK-DAG: phi i64 [ [[LOADED]], {{.*}} ], [ 0, {{.*}} ]
; CHECK-DAG: phi i32 [ %before, {{.*}} ], [ -14, {{.*}} ]
define { i32, i64 } @get_user(ptr %at, i32 %before) {
  %r = call { i32, i64 } asm sideeffect "\0A1:\09movq $2,$1\0A2:\0A .pushsection \22__ex_table\22,\22a\22\0A .balign 4\0A .long (1b) - .\0A .long (2b) - .\0Aextable_type_reg reg=$0, type=((17 $| ((-(14)) << 16)) $| ((1) << 12)) \0A.popsection\0A", "=r,={ax},*m,0"(ptr elementtype(i64) %at, i32 %before)
  ret { i32, i64 } %r
}

; Before 5.16 the instructions after a fault stand in a section of their own. Any address may be the program's own here.
; CHECK-LABEL: @fixup(
; CHECK-NOT: icmp sge
; CHECK: call i32 @gpufas.accessible(i64 {{%.*}}, i64 4, i32 1)
; CHECK: load volatile i32, ptr %at, align 1
; CHECK: phi i32 [ {{.*}}, {{.*}} ], [ 77, {{.*}} ]
define i32 @fixup(ptr %at) {
  %r = call i32 asm sideeffect "1:\09mov $1,$0\0A2:\0A.section .fixup,\22ax\22\0A3:\09movl $$70,$0\0A\09addl $$7,$0\0A\09jmp 2b\0A.previous\0A.pushsection \22__ex_table\22,\22a\22\0A.balign 4\0A.long (1b) - .\0A.long (3b) - .\0A.long (ex_handler_default) - .\0A.popsection\0A", "=r,*m"(ptr elementtype(i32) %at)
  ret i32 %r
}

; EX_TYPE_ZEROPAD: the aligned word, of which the bytes before the address are shifted out.
; CHECK-LABEL: @padded(
; CHECK: [[ADDRESS:%.*]] = ptrtoint ptr %at to i64
; CHECK: call i32 @gpufas.accessible(i64 [[ADDRESS]], i64 8, i32 1)
; CHECK: [[ALIGNED:%.*]] = {{.*}}-8
; CHECK: [[WORD:%.*]] = load volatile i64, ptr {{%.*}}, align 8
; CHECK: lshr i64 [[WORD]],
define i64 @padded(ptr %at) {
  %r = call i64 asm sideeffect "1:\09mov $1,$0\0A2:\0A.pushsection \22__ex_table\22,\22a\22\0A.long (1b) - .\0A.long (2b) - .\0A.long 20\0A.popsection\0A", "=r,*m"(ptr elementtype(i64) %at)
  ret i64 %r
}

; copy_user_generic() from 6.4 on: nothing is copied, the count stays.
; CHECK-LABEL: @copy_user(
; CHECK: [[COUNT:%.*]] = freeze i64 %count
; CHECK: call i32 @gpufas.accessible(i64 %to, i64 [[COUNT]], i32 2)
; CHECK: call i32 @gpufas.accessible(i64 %from, i64 [[COUNT]], i32 1)
; CHECK: [[LEFT:%.*]] = phi i64 {{.*}}[ [[COUNT]],
; CHECK: ret i64 [[LEFT]]
define i64 @copy_user(i64 %to, i64 %from, i64 %count) {
  %r = call { i64, i64, i64 } asm sideeffect "1:\0A\09771:\0A\09rep movsb\0A772:\0A.pushsection .altinstructions,\22a\22\0A .long 771b - .\0A .long 774f - .\0A .4byte (((1 << 0) << 16) $| ((18*32+ 4)))\0A .byte 773b-771b\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A774:\0A\09call rep_movs_alternative\0A775:\0A.popsection\0A2:\0A .pushsection \22__ex_table\22,\22a\22\0A .long (1b) - .\0A .long (2b) - .\0A .long 3 \0A .popsection\0A", "={cx},={di},={si},0,1,2,~{memory},~{rax}"(i64 %count, i64 %to, i64 %from)
  %left = extractvalue { i64, i64, i64 } %r, 0
  ret i64 %left
}

; CHECK-NOT: gpufas.refused
