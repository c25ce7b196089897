; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; What earlier passes left for this one: printk(), BUG(), questions whether memory can be accessed, and what LLVM would stop the process or the GPU with.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@format = private constant [3 x i8] c"hi\00"
declare i32 @gpufas.print(ptr, ptr, i32)
declare void @gpufas.bug()
declare i32 @gpufas.accessible(i64, i64, i32)
declare void @llvm.trap()
declare void @llvm.ubsantrap(i8)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)

; CHECK-LABEL: @print(
; CHECK: [[LENGTH:%.*]] = call i32 @gpufas_print(i64 ptrtoint (ptr @format to i64), ptr %words, i32 2, i32 1)
; CHECK: ret i32 [[LENGTH]]
define i32 @print(ptr %words) {
  %length = call i32 @gpufas.print(ptr @format, ptr %words, i32 2)
  ret i32 %length
}
; CHECK-LABEL: @bug(
; CHECK-NEXT: call void @gpufas_fault(i32 11, i32 0, i64 0, i64 0, i32 {{[0-9]+}})
; CHECK-NEXT: unreachable
define void @bug() {
  call void @gpufas.bug()
  unreachable
}
; CHECK-LABEL: @accessible(
; CHECK-NEXT: [[ANSWER:%.*]] = call i32 @gpufas_accessible(i64 %at, i64 8, i32 1, i32 {{[0-9]+}})
; CHECK-NEXT: ret i32 [[ANSWER]]
define i32 @accessible(i64 %at) {
  %answer = call i32 @gpufas.accessible(i64 %at, i64 8, i32 1)
  ret i32 %answer
}
; CHECK-LABEL: @trap(
; CHECK-NEXT: call void @gpufas_fault(i32 11,
; CHECK-NEXT: unreachable
define void @trap() {
  call void @llvm.trap()
  unreachable
}
; CHECK-LABEL: @sanitizer(
; CHECK-NEXT: call void @gpufas_fault(i32 11,
define void @sanitizer() {
  call void @llvm.ubsantrap(i8 1)
  unreachable
}
; CHECK-LABEL: @prefetch(
; CHECK-NEXT: ret void
define void @prefetch(ptr %p) {
  call void @llvm.prefetch.p0(ptr %p, i32 0, i32 3, i32 1)
  ret void
}
; CHECK: declare void @gpufas_fault(i32, i32, i64, i64, i32) #[[ATTRIBUTES:[0-9]+]]
; CHECK: attributes #[[ATTRIBUTES]] = { cold noreturn nounwind }
