; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; What is the program's own, the runtime's or LLVM's is no kernel symbol.

@own = internal global i64 7
@gpufas_context = external global [8 x i8]
declare void @gpufas_finish(i64)
declare i64 @llvm.ctpop.i64(i64)

; CHECK-NOT: gpufas.symbol
; CHECK-LABEL: @f(
define i64 @f() {
  %a = load i64, ptr @own
  %b = load i64, ptr @gpufas_context
  %c = call i64 @llvm.ctpop.i64(i64 %a)
  call void @gpufas_finish(i64 %b)
  ret i64 %c
}
