; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; An initial value cannot hold an address that is known only at run time: a function assigns it, once, and the variable is no
; constant any more. Variables that neither code nor other files use are none of the program's.

@jiffies = external global i64
@jiffies_64 = external global i64
declare i32 @param_set_int(ptr)

; CHECK-DAG: @table = internal global [2 x ptr] zeroinitializer
@table = internal constant [2 x ptr] [ptr null, ptr getelementptr (i8, ptr @jiffies, i64 8)]
; CHECK-DAG: @indirect = internal global ptr @table
@indirect = internal global ptr @table
; CHECK-DAG: @operations = constant { i32, ptr } { i32 3, ptr @own }
@operations = constant { i32, ptr } { i32 3, ptr @own }
; CHECK-DAG: @others = global <{ i8, { i32, ptr } }> <{ i8 7, { i32, ptr } { i32 3, ptr null } }>
@others = constant <{ i8, { i32, ptr } }> <{ i8 7, { i32, ptr } { i32 3, ptr @param_set_int } }>
; CHECK-DAG: @distance = global i64 0
@distance = global i64 sub (i64 ptrtoint (ptr @jiffies_64 to i64), i64 ptrtoint (ptr @jiffies to i64))
; CHECK-DAG: @__UNIQUE_ID___addressable_jiffies = internal global ptr @jiffies
@__UNIQUE_ID___addressable_jiffies = internal global ptr @jiffies, section ".discard.addressable"
@llvm.compiler.used = appending global [1 x ptr] [ptr @__UNIQUE_ID___addressable_jiffies], section "llvm.metadata"

define ptr @use() {
  %p = load ptr, ptr @indirect
  ret ptr %p
}

define void @own() {
  ret void
}

; CHECK-LABEL: define void @gpufas.initialise.symbols()
; CHECK: [[DONE:%.*]] = load i8, ptr @gpufas.initialised.symbols
; CHECK: [[IS:%.*]] = icmp ne i8 [[DONE]], 0
; CHECK: br i1 [[IS]], label %end, label %assign
; CHECK: assign:
; CHECK: store i8 1, ptr @gpufas.initialised.symbols
; CHECK: load i64, ptr @gpufas.symbol.jiffies, align 8
; CHECK: [[PLACE:%.*]] = getelementptr i8, ptr {{%.*}}, i64 8
; CHECK: store ptr [[PLACE]], ptr getelementptr {{.*}}@table{{.*}}, align 8
; CHECK: load i64, ptr @gpufas.symbol.param_set_int
; CHECK: store ptr {{%.*}}, ptr getelementptr {{.*}}@others{{.*}}, align 1
; CHECK: ret void
