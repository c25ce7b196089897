; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; The C library's functions of memory where they are called as such, by any of the names that the kernel has for
; them; they return their first argument.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare ptr @memcpy(ptr, ptr, i64)
declare ptr @__memmove(ptr, ptr, i64)
declare ptr @memset(ptr, i32, i64)

; CHECK-LABEL: @f(
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 %n, i32 1)
; CHECK: call void @gpufas_copy(i64 {{%.*}}, i64 {{%.*}}, i64 %n, i32 1)
; CHECK: [[BYTE:%.*]] = trunc i32 %byte to i8
; CHECK: call void @gpufas_fill(i64 {{%.*}}, i8 [[BYTE]], i64 %n, i32 1)
; CHECK: store volatile ptr %a, ptr
; CHECK-NOT: @memcpy(ptr %a
define void @f(ptr %a, ptr %b, i64 %n, i32 %byte) {
  %p = call ptr @memcpy(ptr %a, ptr %b, i64 %n)
  %q = call ptr @__memmove(ptr %a, ptr %b, i64 %n)
  %r = call ptr @memset(ptr %a, i32 %byte, i64 %n)
  store ptr %p, ptr %b
  ret void
}

; Even of own memory no call may stay: there is no such function.
; CHECK-LABEL: @own(
; CHECK-NOT: call ptr @memset
; CHECK: call void @gpufas_fill(
define void @own() {
  %local = alloca [16 x i8]
  %p = call ptr @memset(ptr %local, i32 0, i64 16)
  ret void
}

; The program's own version is a function like any other.
; CHECK-LABEL: @calls_its_own(
; CHECK: call ptr @memmove(ptr %a, ptr %b, i64 %n)
define ptr @memmove(ptr %a, ptr %b, i64 %n) {
  ret ptr %a
}
define void @calls_its_own(ptr %a, ptr %b, i64 %n) {
  %p = call ptr @memmove(ptr %a, ptr %b, i64 %n)
  ret void
}
