; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; Every loop counts against the budget, once each time round, so that a corrupt list ends in a report.

; CHECK-LABEL: @f(
; CHECK: entry:
; CHECK-NEXT: br label %loop
; CHECK: loop:
; CHECK-NEXT: %i = phi
; CHECK-NEXT: call void @gpufas_count(i32 1)
; CHECK-NOT: gpufas_count
; CHECK: ret void
define void @f(i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}

; CHECK-LABEL: @no_loop(
; CHECK-NOT: gpufas_count
; CHECK: ret void
define void @no_loop(i1 %which) {
entry:
  br i1 %which, label %a, label %b
a:
  br label %b
b:
  ret void
}
