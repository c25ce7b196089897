; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A statement that calls says that it uses the stack pointer, which clang reads before it and writes back after
; it; the write goes with the statement.

declare i64 @llvm.read_register.i64(metadata)
declare void @llvm.write_register.i64(metadata, i64)

; CHECK-LABEL: @preempt_enable(
; CHECK-NOT: write_register
; CHECK: ret void
define void @preempt_enable() {
  %before = call i64 @llvm.read_register.i64(metadata !0)
  %after = call i64 asm sideeffect "call preempt_schedule_thunk", "={rsp},{rsp}"(i64 %before)
  call void @llvm.write_register.i64(metadata !0, i64 %after)
  ret void
}

; From 6.17 on it is one of several outputs.
; CHECK-LABEL: @several(
; CHECK-NOT: write_register
; CHECK: [[COUNT:%.*]] = call i64 @llvm.ctpop.i64(i64 %x)
; CHECK-NEXT: ret i64 [[COUNT]]
define i64 @several(i64 %x) {
  %before = call i64 @llvm.read_register.i64(metadata !0)
  %both = call { i64, i64 } asm "call __sw_hweight64", "={ax},={rsp},{di},{rsp}"(i64 %x, i64 %before)
  %count = extractvalue { i64, i64 } %both, 0
  %after = extractvalue { i64, i64 } %both, 1
  call void @llvm.write_register.i64(metadata !0, i64 %after)
  ret i64 %count
}

; A program that means it is told that it cannot.
; CHECK-LABEL: @elsewhere(
; CHECK: call void @llvm.write_register.i64
define void @elsewhere(i64 %stack) {
  call void @llvm.write_register.i64(metadata !0, i64 %stack)
  ret void
}

!0 = !{!"rsp"}
