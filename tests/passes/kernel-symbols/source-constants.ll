; SPDX-License-Identifier: MIT OR Apache-2.0
; A constant of a kernel source is the program's copy as long as it is only read. Where its address goes anywhere, or its value
; is not known before the program runs, it is the running kernel's.
; RUN: gpufas-cc --passes symbol-table --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

; CHECK-DAG: @read = internal constant [4 x i32]
@read = internal constant [4 x i32] [i32 1, i32 2, i32 3, i32 4], section "gpufas.kernel:lib/a.c:read"
; CHECK-DAG: @passed = internal constant [4 x i8]
@passed = internal constant [4 x i8] c"abc\00", section "gpufas.kernel:lib/a.c:passed"
@compared = constant [1 x ptr] zeroinitializer, section "gpufas.kernel:compared"
@stored = internal constant i32 7, section "gpufas.kernel:lib/a.c:stored"
@given = internal constant i32 8, section "gpufas.kernel:lib/a.c:given"
@inner = internal constant i32 9, section "gpufas.kernel:lib/a.c:inner"
@outer = internal constant ptr @inner, section "gpufas.kernel:lib/a.c:outer"
@with_function = internal constant [2 x ptr] [ptr @handler, ptr null], section "gpufas.kernel:lib/a.c:with_function"
@unused = constant i32 5, section "gpufas.kernel:unused"

; The symbols in the order of the table: compared, lib/a.c:given, outer, stored, with_function. (Of "inner" the address is in
; "outer" alone, which is the kernel's.)
; CHECK: @gpufas_symbol_table = global [5 x i64] zeroinitializer
; CHECK-NOT: @unused
; CHECK-NOT: section "gpufas.kernel

; CHECK-LABEL: define i32 @reads(
; CHECK: getelementptr [4 x i32], ptr @read
; CHECK: call i64 @strlen(ptr @passed)
; CHECK-NOT: gpufas_symbol_table
; CHECK: ret
define i32 @reads(i64 %i) {
  %p = getelementptr [4 x i32], ptr @read, i64 0, i64 %i
  %v = load i32, ptr %p
  %l = call i64 @strlen(ptr @passed)
  %s = trunc i64 %l to i32
  %r = add i32 %v, %s
  ret i32 %r
}

; CHECK-LABEL: define i1 @compares(
; CHECK: load i64, ptr @gpufas_symbol_table, align 8, !invariant.load
; CHECK: icmp eq ptr %p,
define i1 @compares(ptr %p) {
  %r = icmp eq ptr %p, @compared
  ret i1 %r
}

; CHECK-LABEL: define void @stores(
; CHECK: load i64, ptr getelementptr inbounds ([5 x i64], ptr @gpufas_symbol_table, i64 0, i64 3)
define void @stores(ptr %p) {
  store ptr @stored, ptr %p
  ret void
}

; CHECK-LABEL: define internal void @keeps(
define internal void @keeps(ptr %constant, ptr %to) {
  store ptr %constant, ptr %to
  ret void
}

; CHECK-LABEL: define void @gives(
; CHECK: load i64, ptr getelementptr inbounds ([5 x i64], ptr @gpufas_symbol_table, i64 0, i64 1)
define void @gives(ptr %p) {
  call void @keeps(ptr @given, ptr %p)
  ret void
}

; CHECK-LABEL: define ptr @through(
; CHECK-DAG: load i64, ptr getelementptr inbounds ([5 x i64], ptr @gpufas_symbol_table, i64 0, i64 2)
; CHECK-DAG: load i64, ptr getelementptr inbounds ([5 x i64], ptr @gpufas_symbol_table, i64 0, i64 4)
define ptr @through() {
  %p = load ptr, ptr @outer
  %f = load ptr, ptr @with_function
  %r = select i1 true, ptr %p, ptr %f
  ret ptr %r
}

define void @handler() "gpufas-kernel-symbol"="lib/a.c:handler" {
  ret void
}

declare i64 @strlen(ptr)
