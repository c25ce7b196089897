; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A variable index into the program's own memory comes from kernel data as like as not: the offset is checked
; against the size of the object before the access.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@names = internal constant [4 x i32] [i32 1, i32 2, i32 3, i32 4]

; CHECK-LABEL: @f(
; CHECK: %at = getelementptr [4 x i32], ptr @names, i64 0, i64 %index
; CHECK: [[AT:%.*]] = ptrtoint ptr %at to i64
; CHECK: [[OFFSET:%.*]] = sub i64 [[AT]], ptrtoint (ptr @names to i64)
; CHECK: call void @gpufas.check_bounds(i64 [[OFFSET]], i64 4, i64 16, i32 1)
; CHECK-NEXT: load i32, ptr %at
; CHECK-NOT: translate
define i32 @f(i64 %index) {
  %at = getelementptr [4 x i32], ptr @names, i64 0, i64 %index
  %value = load i32, ptr %at
  ret i32 %value
}

; CHECK-LABEL: @store(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 8, i64 64, i32
; CHECK-NEXT: store i64 0, ptr %at
define void @store(i64 %index) {
  %local = alloca [64 x i8]
  %at = getelementptr i8, ptr %local, i64 %index
  store i64 0, ptr %at
  ret void
}

; Neither the sum nor the difference can overflow: size and room are compared first.
; CHECK-LABEL: define internal void @gpufas.check_bounds(i64 %0, i64 %1, i64 %2, i32 %3)
; CHECK: [[FITS:%.*]] = icmp ule i64 %1, %2
; CHECK: [[LAST:%.*]] = sub i64 %2, %1
; CHECK: [[BEFORE:%.*]] = icmp ule i64 %0, [[LAST]]
; CHECK: [[BOTH:%.*]] = and i1 [[FITS]], [[BEFORE]]
; CHECK: br i1 [[BOTH]], label %inside, label %outside
; CHECK: outside:
; CHECK-NEXT: call void @gpufas_fault(i32 6, i32 0, i64 %0, i64 %1, i32 %3)
; CHECK-NEXT: unreachable
; CHECK: inside:
; CHECK-NEXT: ret void
