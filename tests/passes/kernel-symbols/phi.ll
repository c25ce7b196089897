; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; A phi takes the address from a load that comes before all of its blocks; allocas stay at the start of the
; function.

@first = external global i64
@second = external global i64

; CHECK-LABEL: @choose(
; CHECK-DAG: [[FIRST:%.*]] = inttoptr i64
; CHECK-DAG: [[SECOND:%.*]] = inttoptr i64
; CHECK: %slot = alloca i64
; CHECK: br i1 %which
; CHECK: phi ptr [ {{%.*}}, %yes ], [ {{%.*}}, %no ]
; CHECK-NOT: @first
define ptr @choose(i1 %which) {
entry:
  %slot = alloca i64
  br i1 %which, label %yes, label %no
yes:
  br label %end
no:
  br label %end
end:
  %p = phi ptr [ @first, %yes ], [ @second, %no ]
  ret ptr %p
}
