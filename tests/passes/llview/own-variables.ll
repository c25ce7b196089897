; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; The runtime gets a list of the program's own variables, so that it can accept their addresses; constants are
; marked, and what belongs to the compiler and the loader is not in it. The largest comes first.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@text = private constant [4 x i8] c"abc\00"
@counter = internal global i64 0
@gpufas_symbol_table = global [2 x i64] zeroinitializer
@gpufas_context = external global [672 x i8]
@llvm.used = appending global [1 x ptr] [ptr @counter], section "llvm.metadata"

; CHECK: @gpufas_own_variables = constant [2 x { ptr, i64 }] [{ ptr, i64 } { ptr @counter, i64 8 }, { ptr, i64 } { ptr @text, i64 -9223372036854775804 }], align 8
; CHECK: @gpufas_own_variable_count = constant i32 2, align 4
define void @f() {
  ret void
}
