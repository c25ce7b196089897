; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=STATIC
; Read-side critical sections protect nothing in a recovery program, and nothing preempts it.

declare void @__rcu_read_lock()
declare void @__rcu_read_unlock()
declare i32 @__cond_resched()
declare i32 @__SCT__cond_resched()

; CHECK-LABEL: @section(
; CHECK-NEXT: [[SUM:%.*]] = add i32 0, 0
; CHECK-NEXT: ret i32 [[SUM]]
define i32 @section() {
  call void @__rcu_read_lock()
  %a = call i32 @__cond_resched()
  %b = call i32 @__SCT__cond_resched()
  call void @__rcu_read_unlock()
  %sum = add i32 %a, %b
  ret i32 %sum
}

; pr_debug() is off, since nobody can have turned it on in the program's own code.
declare void @__dynamic_pr_debug(ptr, ptr, ...)
; CHECK-LABEL: @debug(
; CHECK-NEXT: ret void
define void @debug(ptr %descriptor) {
  call void (ptr, ptr, ...) @__dynamic_pr_debug(ptr %descriptor, ptr %descriptor, i32 1)
  ret void
}

; A static call goes through a pointer until it is optimised.
declare void @__SCT__might_resched()
; CHECK-LABEL: @static_call(
; CHECK: store ptr @__SCT__might_resched, ptr
define void @static_call() {
  %p = alloca ptr
  store ptr @__SCT__might_resched, ptr %p
  %f = load ptr, ptr %p
  call void %f()
  ret void
}
; STATIC: define internal void @__SCT__might_resched() {
; STATIC-NEXT: entry:
; STATIC-NEXT: ret void

; Of its own version the program means every word.
; CHECK-LABEL: @__might_sleep(
; CHECK-NEXT: store i32 1, ptr %p
define void @__might_sleep(ptr %p) {
  store i32 1, ptr %p
  ret void
}
; CHECK-LABEL: @calls_its_own(
; CHECK-NEXT: call void @__might_sleep(
define void @calls_its_own(ptr %p) {
  call void @__might_sleep(ptr %p)
  ret void
}
