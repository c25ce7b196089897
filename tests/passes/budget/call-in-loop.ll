; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; A function without a loop needs no count, however often it is called: the loop that calls it counts.

; CHECK-LABEL: @leaf(
; CHECK-NOT: gpufas_
; CHECK: ret void
define void @leaf() {
  ret void
}
; CHECK-LABEL: @f(
; CHECK: loop:
; CHECK-NEXT: call void @gpufas_count(
; CHECK-NEXT: call void @leaf()
define void @f(i1 %more) {
entry:
  br label %loop
loop:
  call void @leaf()
  br i1 %more, label %loop, label %end
end:
  ret void
}
