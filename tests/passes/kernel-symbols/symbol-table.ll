; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes symbol-table --emit llvm-ir %s -o - | FileCheck-22 %s
; After optimisation the symbols that are still needed are numbered in the order of their names, and their
; entries are in a table that the loader writes, so nothing is concluded from its zeros.

@gpufas.symbol.nr_threads = external global i64
@gpufas.symbol.init_task = external global i64
@gpufas.symbol.not_used = external global i64

; CHECK-NOT: gpufas.symbol.
; CHECK: @gpufas_symbol_table = global [2 x i64] zeroinitializer, align 8
; CHECK-LABEL: @f(
; CHECK: load i64, ptr getelementptr {{.*}}@gpufas_symbol_table, i64 {{.*}}1)
; CHECK: load i64, ptr @gpufas_symbol_table
define i64 @f() {
  %a = load i64, ptr @gpufas.symbol.nr_threads
  %b = load i64, ptr @gpufas.symbol.init_task
  %sum = add i64 %a, %b
  ret i64 %sum
}
