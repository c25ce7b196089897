; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Nothing preempts a recovery program: its preemption count stays still and reads as enabled, and
; preempt_enable() finds no reason to call the scheduler.

@__preempt_count = external global i32
@pcpu_hot = external global { ptr, i32, i32 }

; CHECK-LABEL: @disable(
; CHECK-NEXT: ret void
define void @disable() {
  call void asm "incl %gs:$0", "=*m,*m"(ptr elementtype(i32) @__preempt_count, ptr elementtype(i32) @__preempt_count)
  call void asm "addl $1, %gs:$0", "=*m,ri,*m"(ptr elementtype(i32) @__preempt_count, i32 256, ptr elementtype(i32) @__preempt_count)
  call void asm "subl $1, %gs:$0", "=*m,ri,*m"(ptr elementtype(i32) getelementptr ({ ptr, i32, i32 }, ptr @pcpu_hot, i32 0, i32 1), i32 256, ptr elementtype(i32) getelementptr ({ ptr, i32, i32 }, ptr @pcpu_hot, i32 0, i32 1))
  ret void
}

; CHECK-LABEL: @dec_and_test(
; CHECK: ret i8 0
define i8 @dec_and_test() {
  %zero = call i8 asm sideeffect "decl %gs:$0\0A\09/* output condition code e*/\0A", "=*m,={@cce},*m"(ptr elementtype(i32) @__preempt_count, ptr elementtype(i32) @__preempt_count)
  ret i8 %zero
}

; CHECK-LABEL: @read(
; CHECK: ret i32 -2147483648
define i32 @read() {
  %count = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) @__preempt_count)
  ret i32 %count
}

; preempt_count_set()
; CHECK-LABEL: @exchange(
; CHECK: [[SAME:%.*]] = icmp eq i32 -2147483648, %expected
; CHECK-NOT: store volatile
; CHECK-NOT: cmpxchg
; CHECK: ret i32 -2147483648
define i32 @exchange(i32 %expected, i32 %new) {
  %old = call i32 asm sideeffect "cmpxchgl $2, %gs:$1", "={ax},=*m,r,{ax},*m"(ptr elementtype(i32) @__preempt_count, i32 %new, i32 %expected, ptr elementtype(i32) @__preempt_count)
  ret i32 %old
}

; CHECK-LABEL: @add_to_a_register(
; CHECK: add i32 %value, -2147483648
define i32 @add_to_a_register(i32 %value) {
  %sum = call i32 asm sideeffect "addl %gs:$1, $0", "=r,*m,0"(ptr elementtype(i32) @__preempt_count, i32 %value)
  ret i32 %sum
}

; CHECK-LABEL: @schedule(
; CHECK-NEXT: ret void
define void @schedule() {
  call void asm sideeffect "call __SCT__preempt_schedule", ""()
  ret void
}
