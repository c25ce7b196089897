; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; The optimiser reads a table of texts through an intrinsic of its own; its index is one like any other.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@table = internal constant [2 x i32] zeroinitializer
declare ptr @llvm.load.relative.i64(ptr, i64)

; CHECK-LABEL: @f(
; CHECK: [[AT:%.*]] = getelementptr i8, ptr @table, i64 %offset
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 4, i64 8, i32
; CHECK: [[DISTANCE:%.*]] = load i32, ptr [[AT]], align 4
; CHECK: [[WIDE:%.*]] = sext i32 [[DISTANCE]] to i64
; CHECK: [[TEXT:%.*]] = getelementptr i8, ptr @table, i64 [[WIDE]]
; CHECK: ret ptr [[TEXT]]
; CHECK-NOT: llvm.load.relative.i64(ptr @table
define ptr @f(i64 %offset) {
  %p = call ptr @llvm.load.relative.i64(ptr @table, i64 %offset)
  ret ptr %p
}
