; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; A function that only read its argument, in LLVM's eyes or by C's promise, now translates an address and may
; end the program. Whoever still believed that it had no effect would drop or move its calls, or keep the budget
; in a register over them.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK: define i32 @reads(ptr %p) #[[READS:[0-9]+]]
define i32 @reads(ptr %p) memory(argmem: read) nofree norecurse nosync nounwind willreturn mustprogress {
  %value = load i32, ptr %p
  ret i32 %value
}
; CHECK-LABEL: @f(
; CHECK: call i32 @reads(ptr %p) #[[READS]]
define i32 @f(ptr %p) nounwind {
  %value = call i32 @reads(ptr %p) memory(none) nounwind willreturn
  ret i32 %value
}
; CHECK: attributes #[[READS]] = { nounwind }
