; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; A loop with two entries has no header that all ways in share; still every cycle has a block that counts.

; CHECK-LABEL: @f(
; CHECK: call void @gpufas_count(
; CHECK: ret void
define void @f(i1 %a, i1 %b, i1 %c) {
entry:
  br i1 %a, label %left, label %right
left:
  br i1 %b, label %right, label %end
right:
  br i1 %c, label %left, label %end
end:
  ret void
}

; A switch, and a loop of one block.
; CHECK-LABEL: @spin(
; CHECK: spin:
; CHECK-NEXT: call void @gpufas_count(
define void @spin(i32 %n) {
entry:
  br label %spin
spin:
  switch i32 %n, label %spin [
    i32 0, label %end
    i32 1, label %spin
  ]
end:
  ret void
}
