; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; Constants that are made of a symbol become instructions, however deep it lies in them.

%task = type { i64, [4 x i32], ptr }
@init_task = external global %task

; CHECK-LABEL: @member(
; CHECK: [[ADDRESS:%.*]] = inttoptr i64
; CHECK: [[MEMBER:%.*]] = getelementptr %task, ptr [[ADDRESS]], i32 0, i32 1, i64 2
; CHECK: load i32, ptr [[MEMBER]]
define i32 @member() {
  %value = load i32, ptr getelementptr (%task, ptr @init_task, i32 0, i32 1, i64 2)
  ret i32 %value
}

; CHECK-LABEL: @number(
; CHECK: [[MEMBER:%.*]] = getelementptr i8, ptr {{%.*}}, i64 16
; CHECK: [[NUMBER:%.*]] = ptrtoint ptr [[MEMBER]] to i64
; CHECK: [[SUM:%.*]] = add i64 [[NUMBER]], 4096
; CHECK: ret i64 [[SUM]]
define i64 @number() {
  ret i64 add (i64 ptrtoint (ptr getelementptr (i8, ptr @init_task, i64 16) to i64), i64 4096)
}

; CHECK-LABEL: @low_half(
; CHECK: ptrtoint ptr {{%.*}} to i32
define i32 @low_half() {
  ret i32 trunc (i64 ptrtoint (ptr @init_task to i64) to i32)
}

; CHECK-LABEL: @structure(
; CHECK: [[FIRST:%.*]] = insertvalue { ptr, i64 } poison, ptr {{%.*}}, 0
; CHECK: [[BOTH:%.*]] = insertvalue { ptr, i64 } [[FIRST]], i64 7, 1
; CHECK: store { ptr, i64 } [[BOTH]], ptr %to
define void @structure(ptr %to) {
  store { ptr, i64 } { ptr @init_task, i64 7 }, ptr %to
  ret void
}

; CHECK-NOT: @init_task
