; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; An access under a condition stays under it, and so does its translation: the address may be bad whenever the
; condition does not hold.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK: entry:
; CHECK-NEXT: %ok = icmp ne ptr %p, null
; CHECK-NEXT: br i1 %ok, label %yes, label %end
; CHECK: yes:
; CHECK-NEXT: ptrtoint
; CHECK-NEXT: call ptr @gpufas_translate_load
define i32 @f(ptr %p) {
entry:
  %ok = icmp ne ptr %p, null
  br i1 %ok, label %yes, label %end
yes:
  %value = load i32, ptr %p
  br label %end
end:
  %result = phi i32 [ %value, %yes ], [ 0, %entry ]
  ret i32 %result
}
