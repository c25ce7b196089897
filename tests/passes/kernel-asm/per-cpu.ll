; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Memory relative to %gs is the copy of the CPU as which the program runs; an instruction that changes it does so in one
; step, as before that CPU.

@counter = external global i32
@flag = external global [4 x i8]

; CHECK-LABEL: @read(
; CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset, align 8, !invariant.load
; CHECK: [[ADDRESS:%.*]] = add i64 ptrtoint (ptr @counter to i64), [[OFFSET]]
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: [[VALUE:%.*]] = load volatile i32, ptr [[POINTER]], align 4
; CHECK: ret i32 [[VALUE]]
define i32 @read() {
  %value = call i32 asm sideeffect "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) @counter)
  ret i32 %value
}

; CHECK-LABEL: @read_byte(
; CHECK: load volatile i8, ptr {{%.*}}, align 1
define i8 @read_byte() {
  %value = call i8 asm sideeffect "movb %gs:$1, $0", "=q,*m"(ptr elementtype(i8) getelementptr (i8, ptr @flag, i64 2))
  ret i8 %value
}

; CHECK-LABEL: @extended(
; CHECK: [[BYTE:%.*]] = load volatile i8
; CHECK: zext i8 [[BYTE]] to i32
define i32 @extended() {
  %value = call i32 asm sideeffect "movzbl %gs:$1, $0", "=r,*m"(ptr elementtype(i8) @flag)
  ret i32 %value
}

; CHECK-LABEL: @write(
; CHECK: add i64 ptrtoint (ptr @counter to i64)
; CHECK: store volatile i32 %value, ptr
define void @write(i32 %value) {
  call void asm sideeffect "movl $1, %gs:$0", "=*m,ri"(ptr elementtype(i32) @counter, i32 %value)
  ret void
}

; CHECK-LABEL: @increment(
; CHECK: atomicrmw add ptr {{%.*}}, i32 1 monotonic
define void @increment() {
  call void asm sideeffect "incl %gs:$0", "=*m,*m"(ptr elementtype(i32) @counter, ptr elementtype(i32) @counter)
  ret void
}

; CHECK-LABEL: @decrement_and_test(
; CHECK: [[OLD:%.*]] = atomicrmw sub ptr {{%.*}}, i32 1 monotonic
; CHECK: [[NEW:%.*]] = sub i32 [[OLD]], 1
; CHECK: icmp eq i32 [[NEW]], 0
define i8 @decrement_and_test() {
  %zero = call i8 asm sideeffect "decl %gs:$0", "=*m,={@ccz},*m"(ptr elementtype(i32) @counter, ptr elementtype(i32) @counter)
  ret i8 %zero
}

; CHECK-LABEL: @logic(
; CHECK: atomicrmw and ptr {{%.*}}, i32 %value monotonic
; CHECK: atomicrmw or ptr {{%.*}}, i32 %value monotonic
; CHECK: atomicrmw xor ptr {{%.*}}, i32 %value monotonic
define void @logic(i32 %value) {
  call void asm sideeffect "andl $1, %gs:$0", "=*m,ri,*m"(ptr elementtype(i32) @counter, i32 %value, ptr elementtype(i32) @counter)
  call void asm sideeffect "orl $1, %gs:$0", "=*m,ri,*m"(ptr elementtype(i32) @counter, i32 %value, ptr elementtype(i32) @counter)
  call void asm sideeffect "xorl $1, %gs:$0", "=*m,ri,*m"(ptr elementtype(i32) @counter, i32 %value, ptr elementtype(i32) @counter)
  ret void
}

; CHECK-LABEL: @add_and_return(
; CHECK: [[OLD:%.*]] = atomicrmw add ptr {{%.*}}, i32 %value monotonic
; CHECK: ret i32 [[OLD]]
define i32 @add_and_return(i32 %value) {
  %old = call i32 asm sideeffect "xaddl $0, %gs:$1", "=r,=*m,0,*m"(ptr elementtype(i32) @counter, i32 %value, ptr elementtype(i32) @counter)
  ret i32 %old
}

; CHECK-LABEL: @compare_and_exchange(
; CHECK: cmpxchg ptr {{%.*}}, i32 %expected, i32 %new monotonic monotonic
define i32 @compare_and_exchange(i32 %expected, i32 %new) {
  %old = call i32 asm sideeffect "cmpxchgl $2, %gs:$1", "={ax},=*m,r,{ax},*m"(ptr elementtype(i32) @counter, i32 %new, i32 %expected, ptr elementtype(i32) @counter)
  ret i32 %old
}

; this_cpu_xchg() before 6.9.
; CHECK-LABEL: @exchange(
; CHECK: [[OLD:%.*]] = atomicrmw xchg ptr {{%.*}}, i32 %new monotonic
; CHECK-NOT: cmpxchg
; CHECK: ret i32 [[OLD]]
define i32 @exchange(i32 %new) {
  %old = call i32 asm sideeffect "\0A\09movl %gs:$1, %eax\0A1:\09cmpxchgl $2, %gs:$1\0A\09jnz 1b", "=&{ax},=*m,r,*m,~{memory}"(ptr elementtype(i32) @counter, i32 %new, ptr elementtype(i32) @counter)
  ret i32 %old
}

; CHECK-LABEL: @add_to_a_register(
; CHECK: [[COUNTER:%.*]] = load volatile i32
; CHECK: add i32 %value, [[COUNTER]]
define i32 @add_to_a_register(i32 %value) {
  %sum = call i32 asm sideeffect "addl %gs:$1, $0", "=r,*m,0"(ptr elementtype(i32) @counter, i32 %value)
  ret i32 %sum
}

; The place of the stack protector's canary before 6.15.
; CHECK-LABEL: @number(
; CHECK: add i64 ptrtoint (ptr inttoptr (i64 40 to ptr) to i64)
define i64 @number() {
  %value = call i64 asm sideeffect "movq %gs:40, $0", "=r"()
  ret i64 %value
}

; CHECK-NOT: @gpufas.refused
