; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; atomic_add() and its like, with the conditions that kernel code asks of their results.

; CHECK-LABEL: @atomic_add(
; CHECK: atomicrmw add ptr %counter, i32 %value seq_cst, align 4
define void @atomic_add(ptr %counter, i32 %value) {
  call void asm sideeffect "lock; addl $1,$0", "=*m,ir,*m,~{memory}"(ptr elementtype(i32) %counter, i32 %value, ptr elementtype(i32) %counter)
  ret void
}

; CHECK-LABEL: @atomic64_inc(
; CHECK: atomicrmw add ptr %counter, i64 1 seq_cst, align 8
define void @atomic64_inc(ptr %counter) {
  call void asm sideeffect "lock; incq $0", "=*m,*m,~{memory}"(ptr elementtype(i64) %counter, ptr elementtype(i64) %counter)
  ret void
}

; CHECK-LABEL: @atomic_dec_and_test(
; CHECK: [[OLD:%.*]] = atomicrmw sub ptr %counter, i32 1 seq_cst, align 4
; CHECK: [[NEW:%.*]] = sub i32 [[OLD]], 1
; CHECK: [[ZERO:%.*]] = icmp eq i32 [[NEW]], 0
; CHECK: [[RESULT:%.*]] = zext i1 [[ZERO]] to i8
; CHECK: ret i8 [[RESULT]]
define i8 @atomic_dec_and_test(ptr %counter) {
  %zero = call i8 asm sideeffect "lock; decl $0\0A\09/* output condition code e*/\0A", "=*m,={@cce},*m,~{memory}"(ptr elementtype(i32) %counter, ptr elementtype(i32) %counter)
  ret i8 %zero
}

; CHECK-LABEL: @atomic_add_negative(
; CHECK: [[OLD:%.*]] = atomicrmw add ptr %counter, i32 %value seq_cst
; CHECK: [[NEW:%.*]] = add i32 [[OLD]], %value
; CHECK: [[SIGN:%.*]] = icmp slt i32 [[NEW]], 0
; CHECK: zext i1 [[SIGN]] to i8
define i8 @atomic_add_negative(ptr %counter, i32 %value) {
  %negative = call i8 asm sideeffect "lock; addl $2, $0", "=*m,={@ccs},er,*m,~{memory}"(ptr elementtype(i32) %counter, i32 %value, ptr elementtype(i32) %counter)
  ret i8 %negative
}

; CHECK-LABEL: @prefix_on_its_own_line(
; CHECK: atomicrmw add ptr %counter, i32 1 seq_cst
define void @prefix_on_its_own_line(ptr %counter) {
  call void asm sideeffect "lock\0A\09incl $0", "=*m,*m"(ptr elementtype(i32) %counter, ptr elementtype(i32) %counter)
  ret void
}

; CHECK-LABEL: @prefix_before_a_tab(
; CHECK: atomicrmw add ptr %counter, i32 1 seq_cst
define void @prefix_before_a_tab(ptr %counter) {
  call void asm sideeffect "lock\09incl $0", "=*m,*m"(ptr elementtype(i32) %counter, ptr elementtype(i32) %counter)
  ret void
}
