; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; Loops in loops count each for itself, also where they share a block that they go back to.

; CHECK-LABEL: @nested(
; CHECK: outer:
; CHECK-NEXT: call void @gpufas_count(i32 {{[0-9]+}})
; CHECK: inner:
; CHECK-NEXT: call void @gpufas_count(i32 {{[0-9]+}})
; CHECK: ret void
define void @nested(i1 %a, i1 %b) {
entry:
  br label %outer
outer:
  br label %inner
inner:
  br i1 %a, label %inner, label %latch
latch:
  br i1 %b, label %outer, label %end
end:
  ret void
}

; CHECK-LABEL: @one_header(
; CHECK: header:
; CHECK-NEXT: call void @gpufas_count(i32
; CHECK-NOT: gpufas_count
; CHECK: ret void
define void @one_header(i1 %a, i1 %b) {
entry:
  br label %header
header:
  br i1 %a, label %header, label %latch
latch:
  br i1 %b, label %header, label %end
end:
  ret void
}
