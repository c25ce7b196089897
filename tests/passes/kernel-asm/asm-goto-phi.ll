; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; The branch that takes the place of an asm goto has the same edges, since phis name a block once for each edge
; that comes from it, also where a label is never jumped to, twice the same, or the statement is refused.

; CHECK-LABEL: @never_jumps(
; CHECK: br i1 false, label %end, label %next
; CHECK: phi i32 [ 1, %0 ], [ 2, %next ]
define i32 @never_jumps() {
  callbr void asm sideeffect "", "!i"()
    to label %next [label %end]
next:
  br label %end
end:
  %r = phi i32 [ 1, %0 ], [ 2, %next ]
  ret i32 %r
}

; CHECK-LABEL: @same_label_twice(
; CHECK: switch i32 0, label %next [
; CHECK-NEXT: i32 1, label %end
; CHECK-NEXT: i32 2, label %end
; CHECK: phi i32 [ 1, %0 ], [ 1, %0 ], [ 2, %next ]
define i32 @same_label_twice() {
  callbr void asm sideeffect "", "!i,!i"()
    to label %next [label %end, label %end]
next:
  br label %end
end:
  %r = phi i32 [ 1, %0 ], [ 1, %0 ], [ 2, %next ]
  ret i32 %r
}

; CHECK-LABEL: @refused(
; CHECK: call void @gpufas.refused(
; CHECK: br i1 false, label %end, label %next
; CHECK: phi i32 [ 1, %0 ], [ 2, %next ]
define i32 @refused() {
  callbr void asm sideeffect "wbinvd; jmp ${0:l}", "!i"()
    to label %next [label %end]
next:
  br label %end
end:
  %r = phi i32 [ 1, %0 ], [ 2, %next ]
  ret i32 %r
}
