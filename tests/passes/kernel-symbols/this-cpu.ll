; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm,kernel-symbols,optimize,symbol-table --emit llvm-ir %s -o - | FileCheck-22 %s
; Which CPU the program runs as is part of its context (runtime/abi).

@cpu_number = external global i32
@this_cpu_off = external global i64

; CHECK: @gpufas_context = external global [{{[0-9]+}} x i8]
; CHECK-NOT: @gpufas.cpu

; CHECK-LABEL: @processor(
; CHECK: load i32, ptr getelementptr {{.*}}@gpufas_context, i64 {{[0-9, i]+}}), align 4, !invariant.load
define i32 @processor() {
  %cpu = call i32 asm "movl %gs:$1, $0", "=r,*m"(ptr elementtype(i32) @cpu_number)
  ret i32 %cpu
}
; CHECK-LABEL: @offset(
; CHECK: load i64, ptr getelementptr {{.*}}@gpufas_context, i64 {{[0-9, i]+}}), align 8, !invariant.load
define i64 @offset() {
  %offset = call i64 asm "movq %gs:$1, $0", "=r,*m"(ptr elementtype(i64) @this_cpu_off)
  ret i64 %offset
}
