; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Other per-CPU variables may be read; they are those of the first CPU.

@counter = external global i32
@flag = external global [4 x i8]

; CHECK-LABEL: @read(
; CHECK: [[OFFSET:%.*]] = load i64, ptr @__per_cpu_offset, align 8
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

; The source is narrower than the suffix of mov would say.
; CHECK-LABEL: @extended(
; CHECK-NOT: load volatile i32
; CHECK: call void @gpufas.refused(
define i32 @extended() {
  %value = call i32 asm sideeffect "movzbl %gs:$1, $0", "=r,*m"(ptr elementtype(i8) @flag)
  ret i32 %value
}
