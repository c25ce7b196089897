; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; A compare-and-exchange that fails writes nothing: what it found may be another's old value by then.

; CHECK-LABEL: @f(
; CHECK-NEXT: fence seq_cst
; CHECK-NEXT: [[OLD:%.*]] = load volatile i32, ptr %p, align 4
; CHECK-NEXT: [[EQUAL:%.*]] = icmp eq i32 [[OLD]], %a
; CHECK-NEXT: br i1 [[EQUAL]], label %exchange, label %[[BEHIND:.*]]
; CHECK: exchange:
; CHECK-NEXT: store volatile i32 %b, ptr %p, align 4
; CHECK-NEXT: br label %[[BEHIND]]
; CHECK: [[BEHIND]]:
; CHECK-NEXT: fence seq_cst
; CHECK-NEXT: [[FIRST:%.*]] = insertvalue { i32, i1 } poison, i32 [[OLD]], 0
; CHECK-NEXT: [[BOTH:%.*]] = insertvalue { i32, i1 } [[FIRST]], i1 [[EQUAL]], 1
; CHECK-NEXT: ret { i32, i1 } [[BOTH]]
define { i32, i1 } @f(ptr %p, i32 %a, i32 %b) {
  %pair = cmpxchg ptr %p, i32 %a, i32 %b seq_cst seq_cst
  ret { i32, i1 } %pair
}
