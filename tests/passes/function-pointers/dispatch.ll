; SPDX-License-Identifier: MIT OR Apache-2.0
; A call through a pointer goes to a function that asks the runtime which of the program's functions is meant, and calls it by its
; name. The program's own functions have numbers for addresses; those of the kernel the kernel's addresses.
; RUN: gpufas-cc --passes function-pointers,symbol-table --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

; CHECK: @table = internal constant [2 x ptr] [ptr inttoptr (i64 5138700933965807616 to ptr), ptr null]
; One symbol, then address and number of one function that is in the kernel.
; CHECK: @gpufas_symbol_table = global [3 x i64] zeroinitializer
@table = internal constant [2 x ptr] [ptr @own, ptr null]

; CHECK: define i32 @own(
define i32 @own(ptr %p) {
  ret i32 1
}

define i32 @in_kernel(ptr %p) "gpufas-kernel-symbol"="lib/a.c:in_kernel" {
  ret i32 2
}

define i64 @other_type(ptr %p) {
  ret i64 3
}

; CHECK-LABEL: define ptr @address(
; CHECK: [[ADDRESS:%.*]] = load i64, ptr @gpufas_symbol_table, align 8, !invariant.load
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: store ptr inttoptr (i64 {{[0-9]+}} to ptr), ptr %q
; CHECK: ret ptr [[POINTER]]
define ptr @address(ptr %q) {
  store ptr @other_type, ptr %q
  ret ptr @in_kernel
}

; A call by name stays one.
; CHECK-LABEL: define i32 @calls(
; CHECK: call i32 @own(ptr %p)
; CHECK: call i32 @gpufas.call.0(ptr %f, i32 {{[0-9]+}}, ptr %p)
; CHECK: call i32 @gpufas.call.0(ptr %f, i32 {{[0-9]+}}, ptr null)
; CHECK: call void @gpufas.call.1(ptr %f, i32 {{[0-9]+}}, ptr %p)
define i32 @calls(ptr %f, ptr %p, i64 %i) {
  %a = call i32 @own(ptr %p)
  %b = call i32 %f(ptr %p)
  %c = call i32 %f(ptr null)
  call void %f(ptr %p)
  %g = getelementptr [2 x ptr], ptr @table, i64 0, i64 %i
  %h = load ptr, ptr %g
  %s = add i32 %b, %c
  ret i32 %s
}

; Of the functions of the call's type one is the program's alone.
; CHECK-LABEL: define internal i32 @gpufas.call.0(ptr %0, i32 %1, ptr %2)
; CHECK: [[NUMBER:%.*]] = call i32 @gpufas_function(ptr getelementptr inbounds ([3 x i64], ptr @gpufas_symbol_table, i64 0, i64 1), i64 1, i64 3,
; CHECK: switch i32 [[NUMBER]], label %wrong [
; CHECK-NEXT: i32 0, label %own
; CHECK-NEXT: i32 1, label %in_kernel
; CHECK-NEXT: ]
; CHECK: wrong:
; CHECK: call void @gpufas_fault(i32 14, i32 0, i64 {{%.*}}, i64 0, i32 %1)
; CHECK: unreachable
; CHECK: own:
; CHECK-NEXT: [[RESULT:%.*]] = call i32 @own(ptr %2)
; CHECK-NEXT: ret i32 [[RESULT]]
; CHECK: in_kernel:
; CHECK-NEXT: call i32 @in_kernel(ptr %2)

; Nothing is of this type.
; CHECK-LABEL: define internal void @gpufas.call.1(
; CHECK: switch i32 {{%.*}}, label %wrong [
; CHECK-NEXT: ]
