; SPDX-License-Identifier: MIT OR Apache-2.0
; What a pointer in the kernel's memory may lead to is kept, although nothing in the program refers to it: functions of the type of
; a call that is reached, if their address is taken or all of the kernel knows them.
; RUN: gpufas-cc --passes callable-functions,optimize,function-pointers --emit llvm-ir %s -o - | FileCheck-22 %s

target triple = "x86_64-linux-gnu"

; CHECK-NOT: gpufas.callable
; CHECK-NOT: @never(
; CHECK-NOT: @unknown(
; CHECK-NOT: @other_type(
; CHECK-DAG: define internal {{.*}}i32 @enqueue(
; CHECK-DAG: define internal {{.*}}i32 @global(
; CHECK-DAG: define internal {{.*}}i32 @through(
; CHECK-DAG: define internal {{.*}}i64 @second(

; Its address was in the initial value of a variable of the kernel's.
define internal i32 @enqueue(ptr %p) noinline "gpufas-kernel-symbol"="kernel/a.c:enqueue" "gpufas-pointer" {
  %f = load ptr, ptr %p
  %r = call i64 %f(i64 1)
  %s = trunc i64 %r to i32
  ret i32 %s
}

; Other files of the kernel may take its address.
define internal i32 @global(ptr %p) noinline "gpufas-kernel-symbol"="global" {
  ret i32 2
}

; Its address is in a constant of the program's.
@operations = constant ptr @through
define internal i32 @through(ptr %p) noinline {
  ret i32 3
}

; Only what is kept calls a function of this type.
define internal i64 @second(i64 %i) noinline "gpufas-kernel-symbol"="second" {
  ret i64 %i
}

define internal i32 @unknown(ptr %p) noinline "gpufas-kernel-symbol"="kernel/a.c:unknown" {
  ret i32 4
}

define internal i16 @other_type(ptr %p) noinline "gpufas-kernel-symbol"="other_type" {
  ret i16 5
}

define internal i16 @never(ptr %f) {
  %r = call i16 %f(ptr null)
  ret i16 %r
}

define i32 @entry(ptr %class, ptr %p) {
  %f = load ptr, ptr %class
  %r = call i32 %f(ptr %p)
  ret i32 %r
}
