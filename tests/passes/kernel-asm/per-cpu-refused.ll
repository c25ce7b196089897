; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A recovery program runs on no CPU of the failing system, so what belongs to "this CPU" is refused, with what
; to do instead.

@current_task = external global ptr
@cpu_number = external global i32
@this_cpu_off = external global i64
@pcpu_hot = external global { ptr, i32, i32, i64 }
@counter = external global i32
@user = external global i64

; CHECK: c"this-cpu: `current` is the task that runs on this CPU, and a recovery program runs on none of the failing system; take a task from for_each_process(), or cpu_curr() of a run queue\00"
; CHECK: c"this-cpu: a recovery program runs on no CPU of the failing system, so there is no \22this CPU\22; name one: per_cpu(variable, cpu), for_each_possible_cpu(cpu)\00"
; CHECK: c"this-cpu: a recovery program runs on no CPU {{.*}}
; CHECK: c"this-cpu: `current` is {{.*}}
; CHECK: c"this-cpu: a recovery program runs on no CPU {{.*}}
; CHECK: c"this-cpu: `current` is {{.*}}
; CHECK: c"this-cpu: it changes this CPU's copy of `counter`, and a recovery program runs on no CPU of the failing system; use per_cpu(variable, cpu)\00"
; CHECK: c"this-cpu: instruction `addl` on this CPU's copy of `counter` is not known to gpufas-cc; use per_cpu(variable, cpu)\00"
; CHECK: c"cpu-state: memory relative to `%fs` belongs to user programs\00"

define ptr @current() {
  %task = call ptr asm "movq %gs:${1:P}, $0", "=r,p"(ptr @current_task)
  ret ptr %task
}
define i32 @processor() {
  %cpu = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) @cpu_number)
  ret i32 %cpu
}
define i64 @offset() {
  %offset = call i64 asm sideeffect "movq %gs:$1, $0", "=r,*m"(ptr elementtype(i64) @this_cpu_off)
  ret i64 %offset
}
; From 6.2 to 6.14 they are members of one structure.
define ptr @current_of_6_12() {
  %task = call ptr asm "movq %gs:$1, $0", "=r,*m"(ptr elementtype(ptr) @pcpu_hot)
  ret ptr %task
}
define i32 @processor_of_6_12() {
  %cpu = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) getelementptr inbounds ({ ptr, i32, i32, i64 }, ptr @pcpu_hot, i32 0, i32 2))
  ret i32 %cpu
}
define ptr @current_as_address() {
  %task = call ptr asm "movq %gs:${1:a}, $0", "=r,i"(ptr @current_task)
  ret ptr %task
}
define void @change() {
  call void asm sideeffect "incl %gs:$0", "=*m,*m"(ptr elementtype(i32) @counter, ptr elementtype(i32) @counter)
  ret void
}
define i32 @add_to_a_register(i32 %value) {
  %sum = call i32 asm sideeffect "addl %gs:$1, $0", "=r,*m,0"(ptr elementtype(i32) @counter, i32 %value)
  ret i32 %sum
}
define i64 @other_segment() {
  %value = call i64 asm sideeffect "movq %fs:$1, $0", "=r,*m"(ptr elementtype(i64) @user)
  ret i64 %value
}

; CHECK-COUNT-9: call {{.*}} @gpufas.refused
; CHECK-NOT: load volatile
