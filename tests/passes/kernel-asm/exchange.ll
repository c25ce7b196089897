; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; xchg with memory is locked with or without the prefix; xadd and cmpxchg are only with it.

; CHECK-LABEL: @xchg(
; CHECK: [[OLD:%.*]] = atomicrmw xchg ptr %word, i64 %value seq_cst, align 8
; CHECK: ret i64 [[OLD]]
define i64 @xchg(ptr %word, i64 %value) {
  %old = call i64 asm sideeffect "xchgq $0, $1", "=r,=*m,0,*m,~{memory}"(ptr elementtype(i64) %word, i64 %value, ptr elementtype(i64) %word)
  ret i64 %old
}

; CHECK-LABEL: @xadd_locked(
; CHECK: [[OLD:%.*]] = atomicrmw add ptr %word, i32 %value seq_cst, align 4
; CHECK: ret i32 [[OLD]]
define i32 @xadd_locked(ptr %word, i32 %value) {
  %old = call i32 asm sideeffect "lock; xaddl ${0}, $1\0A", "=r,=*m,0,*m,~{memory},~{cc}"(ptr elementtype(i32) %word, i32 %value, ptr elementtype(i32) %word)
  ret i32 %old
}

; CHECK-LABEL: @xadd(
; CHECK: [[OLD:%.*]] = load volatile i64, ptr %word, align 8
; CHECK: [[SUM:%.*]] = add i64 [[OLD]], %value
; CHECK: store volatile i64 [[SUM]], ptr %word, align 8
; CHECK-NOT: atomicrmw
; CHECK: ret i64 [[OLD]]
define i64 @xadd(ptr %word, i64 %value) {
  %old = call i64 asm sideeffect "xaddq $0, $1;", "=r,=*m,0,*m,~{memory}"(ptr elementtype(i64) %word, i64 %value, ptr elementtype(i64) %word)
  ret i64 %old
}

; CHECK-LABEL: @cmpxchg_locked(
; CHECK: [[PAIR:%.*]] = cmpxchg ptr %word, i32 %expected, i32 %new seq_cst seq_cst, align 4
; CHECK: [[OLD:%.*]] = extractvalue { i32, i1 } [[PAIR]], 0
; CHECK: ret i32 [[OLD]]
define i32 @cmpxchg_locked(ptr %word, i32 %expected, i32 %new) {
  %old = call i32 asm sideeffect "lock; cmpxchgl $2,$1", "={ax},=*m,r,0,*m,~{memory}"(ptr elementtype(i32) %word, i32 %new, i32 %expected, ptr elementtype(i32) %word)
  ret i32 %old
}

; CHECK-LABEL: @try_cmpxchg(
; CHECK: [[PAIR:%.*]] = cmpxchg ptr %word, i64 %expected, i64 %new seq_cst seq_cst, align 8
; CHECK: [[OLD:%.*]] = extractvalue { i64, i1 } [[PAIR]], 0
; CHECK: [[EQUAL:%.*]] = extractvalue { i64, i1 } [[PAIR]], 1
; CHECK: [[FLAG:%.*]] = zext i1 [[EQUAL]] to i8
; CHECK: insertvalue { i8, i64 } poison, i8 [[FLAG]], 0
; CHECK: insertvalue { i8, i64 } {{%.*}}, i64 [[OLD]], 1
define { i8, i64 } @try_cmpxchg(ptr %word, i64 %expected, i64 %new) {
  %result = call { i8, i64 } asm sideeffect "lock; cmpxchgq $3, $1", "={@ccz},=*m,={ax},r,2,*m,~{memory}"(ptr elementtype(i64) %word, i64 %new, i64 %expected, ptr elementtype(i64) %word)
  ret { i8, i64 } %result
}

; As the CPU does, the word is written in either case.
; CHECK-LABEL: @cmpxchg_local(
; CHECK: [[OLD:%.*]] = load volatile i64, ptr %word, align 8
; CHECK: [[EQUAL:%.*]] = icmp eq i64 [[OLD]], %expected
; CHECK: [[STORED:%.*]] = select i1 [[EQUAL]], i64 %new, i64 [[OLD]]
; CHECK: store volatile i64 [[STORED]], ptr %word, align 8
; CHECK: ret i64 [[OLD]]
define i64 @cmpxchg_local(ptr %word, i64 %expected, i64 %new) {
  %old = call i64 asm sideeffect "cmpxchgq $2,$1", "={ax},=*m,r,0,*m,~{memory}"(ptr elementtype(i64) %word, i64 %new, i64 %expected, ptr elementtype(i64) %word)
  ret i64 %old
}
