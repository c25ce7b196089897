; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A pointer that walks over an object of the program's own is an address in or beyond that object and of nothing
; else, so its offset is checked: the runtime knows where the stack is, but not what lies on it.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @copy(
; CHECK: %to = phi ptr
; CHECK: call ptr @gpufas_translate_load(
; CHECK: [[AT:%.*]] = ptrtoint ptr %to to i64
; CHECK: [[OFFSET:%.*]] = sub i64 [[AT]],
; CHECK: call void @gpufas.check_bounds(i64 [[OFFSET]], i64 1, i64 16, i32
; CHECK-NEXT: store i8 %byte, ptr %to
define void @copy(ptr %kernel) {
entry:
  %local = alloca [16 x i8]
  br label %loop
loop:
  %to = phi ptr [ %local, %entry ], [ %next.to, %loop ]
  %from = phi ptr [ %kernel, %entry ], [ %next.from, %loop ]
  %byte = load i8, ptr %from
  store i8 %byte, ptr %to
  %next.to = getelementptr i8, ptr %to, i64 1
  %next.from = getelementptr i8, ptr %from, i64 1
  %end = icmp eq i8 %byte, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; CHECK-LABEL: @one_of_two_places(
; CHECK: call void @gpufas.check_bounds(i64 {{%.*}}, i64 4, i64 16, i32
; CHECK-NEXT: store i32 0, ptr %at
define void @one_of_two_places(i1 %which) {
  %local = alloca [4 x i32]
  %second = getelementptr i32, ptr %local, i64 1
  %at = select i1 %which, ptr %local, ptr %second
  store i32 0, ptr %at
  ret void
}
