; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; What no assembler takes has no meaning, however the parts could be read.

; CHECK-DAG: c"this-cpu: `%gs` stands before what is no memory, which no assembler takes\00"
; CHECK-DAG: c"unknown-assembly: no instruction has two operands in memory\00"

; x86_this_cpu_variable_test_bit() of older kernels.
; CHECK-LABEL: @register_of_this_cpu(
; CHECK-NEXT: call void @gpufas.refused(
define i8 @register_of_this_cpu(ptr %at, i32 %number) {
  %set = call i8 asm sideeffect "btl %gs:$2,$1", "={@ccc},*m,Ir"(ptr elementtype(i64) %at, i32 %number)
  ret i8 %set
}

; CHECK-LABEL: @number_of_this_cpu(
; CHECK-NEXT: call void @gpufas.refused(
define i8 @number_of_this_cpu(ptr %at) {
  %set = call i8 asm sideeffect "btl %gs:$2,$1", "={@ccc},*m,Ir"(ptr elementtype(i64) %at, i32 5)
  ret i8 %set
}

; CHECK-LABEL: @both(
; CHECK-NEXT: call void @gpufas.refused(
define void @both(ptr %to, ptr %from) {
  call void asm sideeffect "movq $1, $0", "=*m,*m"(ptr elementtype(i64) %to, ptr elementtype(i64) %from)
  ret void
}
