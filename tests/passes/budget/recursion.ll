; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; A function that may call itself, directly or through others, checks the stack and counts: a tree that is none
; is visited in parts twice, four times, eight times. Others do not.

; CHECK-LABEL: @itself(
; CHECK: call void @gpufas_count(i32 {{[0-9]+}})
; CHECK: call void @gpufas_check_stack(i32 {{[0-9]+}})
; CHECK: call void @itself()
define void @itself() {
  call void @itself()
  ret void
}

; CHECK-LABEL: define void @even(
; CHECK: %local = alloca i32
; CHECK: call void @gpufas_check_stack(
define void @even() {
  %local = alloca i32
  call void @odd()
  ret void
}
; CHECK-LABEL: define void @odd(
; CHECK: call void @gpufas_check_stack(
define void @odd() {
  call void @between()
  ret void
}
; CHECK-LABEL: define void @between(
; CHECK: call void @gpufas_check_stack(
define void @between() {
  call void @even()
  call void @leaf()
  ret void
}

; CHECK-LABEL: define void @caller(
; CHECK-NOT: gpufas_
; CHECK: ret void
define void @caller() {
  call void @even()
  call void @leaf()
  call void @leaf()
  ret void
}
; CHECK-LABEL: define void @leaf(
; CHECK-NOT: gpufas_
; CHECK: ret void
define void @leaf() {
  ret void
}
