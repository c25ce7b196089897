; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; A loop that could be left out, as one that always ends and has no effect, now has one.

; CHECK: define void @f(i1 %more) #[[ATTRIBUTES:[0-9]+]]
; CHECK: attributes #[[ATTRIBUTES]] = { nounwind }
define void @f(i1 %more) nounwind memory(none) willreturn mustprogress {
entry:
  br label %loop
loop:
  br i1 %more, label %loop, label %end
end:
  ret void
}
