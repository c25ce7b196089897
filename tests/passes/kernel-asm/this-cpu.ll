; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Which CPU the program runs as is known without a look at the kernel's memory, and stays as it is. The current task is that
; CPU's.

@current_task = external global ptr
@cpu_number = external global i32
@this_cpu_off = external global i64
@pcpu_hot = external global { ptr, i32, i32, i64 }
@user = external global i64

; CHECK: c"this-cpu: it changes which CPU this is; gpufas run --cpu chooses it\00"
; CHECK: c"cpu-state: memory relative to `%fs` belongs to user programs\00"
; CHECK: c"unknown-assembly: `lea` takes no account of `%gs`\00"

; CHECK-LABEL: @current(
; CHECK: [[ADDRESS:%.*]] = add i64 ptrtoint (ptr @current_task to i64)
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: load i64, ptr [[POINTER]]
define ptr @current() {
  %task = call ptr asm "movq %gs:${1:P}, $0", "=r,p"(ptr @current_task)
  ret ptr %task
}

; CHECK-LABEL: @processor(
; CHECK-NEXT: [[CPU:%.*]] = load i32, ptr @gpufas.cpu, align 4, !invariant.load
; CHECK-NEXT: ret i32 [[CPU]]
define i32 @processor() {
  %cpu = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) @cpu_number)
  ret i32 %cpu
}

; CHECK-LABEL: @offset(
; CHECK-NEXT: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset, align 8, !invariant.load
; CHECK-NEXT: ret i64 [[OFFSET]]
define i64 @offset() {
  %offset = call i64 asm sideeffect "movq %gs:$1, $0", "=r,*m"(ptr elementtype(i64) @this_cpu_off)
  ret i64 %offset
}

; this_cpu_ptr()
; CHECK-LABEL: @pointer(
; CHECK-NEXT: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset
; CHECK-NEXT: add i64 %variable, [[OFFSET]]
define i64 @pointer(i64 %variable) {
  %address = call i64 asm sideeffect "add %gs:$1, $0", "=r,*m,0"(ptr elementtype(i64) @this_cpu_off, i64 %variable)
  ret i64 %address
}

; From 6.2 to 6.14 they are members of one structure.
; CHECK-LABEL: @current_of_6_12(
; CHECK: add i64 ptrtoint (ptr @pcpu_hot to i64)
; CHECK: load i64
define ptr @current_of_6_12() {
  %task = call ptr asm "movq %gs:$1, $0", "=r,*m"(ptr elementtype(ptr) @pcpu_hot)
  ret ptr %task
}

; CHECK-LABEL: @processor_of_6_12(
; CHECK-NEXT: load i32, ptr @gpufas.cpu,
define i32 @processor_of_6_12() {
  %cpu = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) getelementptr inbounds ({ ptr, i32, i32, i64 }, ptr @pcpu_hot, i32 0, i32 2))
  ret i32 %cpu
}

; CHECK-LABEL: @current_as_address(
; CHECK: add i64 ptrtoint (ptr @current_task to i64)
define ptr @current_as_address() {
  %task = call ptr asm "movq %gs:${1:a}, $0", "=r,i"(ptr @current_task)
  ret ptr %task
}

; CHECK-LABEL: @move(
; CHECK-NEXT: call void @gpufas.refused(
define void @move() {
  call void asm sideeffect "movl $1, %gs:$0", "=*m,ri"(ptr elementtype(i32) @cpu_number, i32 1)
  ret void
}

; CHECK-LABEL: @other_segment(
; CHECK-NEXT: call void @gpufas.refused(
define i64 @other_segment() {
  %value = call i64 asm sideeffect "movq %fs:$1, $0", "=r,*m"(ptr elementtype(i64) @user)
  ret i64 %value
}

; CHECK-LABEL: @address(
; CHECK-NEXT: call void @gpufas.refused(
define i64 @address() {
  %value = call i64 asm sideeffect "leaq %gs:$1, $0", "=r,*m"(ptr elementtype(i64) @user)
  ret i64 %value
}
