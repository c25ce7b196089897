; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; The address of a kernel function is one of a symbol, as for comparing a pointer in kernel data with it; a call
; of it stays a call, which is reported later.

declare void @kthread(ptr)

; CHECK-LABEL: @is_kthread(
; CHECK: [[ADDRESS:%.*]] = load i64, ptr @gpufas.symbol.kthread
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: icmp eq ptr %function, [[POINTER]]
define i1 @is_kthread(ptr %function) {
  %same = icmp eq ptr %function, @kthread
  ret i1 %same
}

; CHECK-LABEL: @call(
; CHECK-NEXT: call void @kthread(ptr null)
define void @call() {
  call void @kthread(ptr null)
  ret void
}

; CHECK-LABEL: @call_with_itself(
; CHECK: call void @kthread(ptr {{%.*}})
define void @call_with_itself() {
  call void @kthread(ptr @kthread)
  ret void
}
