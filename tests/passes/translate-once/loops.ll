; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --emit llvm-ir %s -o - | FileCheck-22 %s
; What does not change in a loop is translated before it; what does, in it: a list's next element is another object.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @polls(
; CHECK: entry:
; CHECK: br i1 {{.*}}, label %[[BEFORE:[0-9a-z]+]], label %image
; CHECK: [[BEFORE]]:
; CHECK: [[SHARED:%.*]] = phi i1
; CHECK: br label %loop
; CHECK: loop:
; CHECK-NOT: gpufas_context
; CHECK: br i1 [[SHARED]], label %shared
; CHECK: ret void
define void @polls(ptr %p) {
entry:
  br label %loop
loop:
  %value = load volatile i32, ptr %p, align 4
  %more = icmp ne i32 %value, 0
  br i1 %more, label %loop, label %end
end:
  ret void
}

; CHECK-LABEL: @walks(
; CHECK: entry:
; CHECK-NOT: gpufas_context
; CHECK: br label %[[LOOP:[a-z]+]]
; CHECK: [[LOOP]]:
; CHECK-NEXT: %at = phi ptr
; CHECK: gpufas_context
; CHECK: ret i64
define i64 @walks(ptr %head) {
entry:
  br label %loop
loop:
  %at = phi ptr [ %head, %entry ], [ %next, %loop ]
  %sum = phi i64 [ 0, %entry ], [ %more, %loop ]
  %place = getelementptr i8, ptr %at, i64 16
  %value = load i64, ptr %place, align 8
  %more = add i64 %sum, %value
  %next = load ptr, ptr %at, align 8
  %end = icmp eq ptr %next, %head
  br i1 %end, label %out, label %loop
out:
  ret i64 %more
}
