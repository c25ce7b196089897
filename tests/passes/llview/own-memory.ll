; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; What is provably inside the program's own memory is left as it is: local and global variables, members at
; constant places, what the host tells the program, addresses of symbols in relocatable code.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

%s = type { i8, [3 x i32], i64 }
@global = internal global %s zeroinitializer
@text = private constant [4 x i8] c"abc\00"
@gpufas_context = external global [672 x i8]
@gpufas_symbol_init_task = external global i64

; CHECK-LABEL: @f(
; CHECK-NOT: call
; CHECK-NOT: volatile
; CHECK: ret void
define void @f() {
  %local = alloca %s
  store i64 1, ptr %local, align 8
  %member = getelementptr %s, ptr %local, i64 0, i32 1, i64 2
  store i32 1, ptr %member, align 4
  %last = getelementptr i8, ptr %local, i64 23
  store i8 1, ptr %last
  store i64 1, ptr getelementptr inbounds (%s, ptr @global, i64 0, i32 2)
  %c = load i8, ptr getelementptr (i8, ptr @text, i64 3)
  %a = load i64, ptr getelementptr (i8, ptr @gpufas_context, i64 448)
  %symbol = load i64, ptr @gpufas_symbol_init_task
  %back = getelementptr i8, ptr %last, i64 -23
  %frozen = freeze ptr %back
  store i8 2, ptr %frozen
  ret void
}
