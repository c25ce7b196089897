; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; The memory of a failing kernel keeps none of C's promises: a bool that holds 6 must not take a check of an
; index away.

; CHECK-LABEL: @f(ptr %p, ptr align 8 %q)
; CHECK-NEXT: load i8, ptr %p, align 1
; CHECK-NEXT: load ptr, ptr %p, align 8
; CHECK-NEXT: ret
define i8 @f(ptr dereferenceable(8) %p, ptr align 8 dereferenceable_or_null(8) %q) {
  %flag = load i8, ptr %p, align 1, !range !0, !noundef !1
  %next = load ptr, ptr %p, align 8, !nonnull !1, !align !2, !dereferenceable !2
  ret i8 %flag
}

; All of it counts, as in the kernel.
; CHECK-LABEL: @is_true(
; CHECK-NEXT: [[BYTE:%.*]] = load i8, ptr %p
; CHECK-NEXT: [[TRUE:%.*]] = icmp ne i8 [[BYTE]], 0
; CHECK-NEXT: ret i1 [[TRUE]]
define i1 @is_true(ptr %p) {
  %flag = load i8, ptr %p, align 1, !range !0, !noundef !1
  %bit = trunc i8 %flag to i1
  ret i1 %bit
}

; Of a byte that is no bool, the lowest bit is asked for.
; CHECK-LABEL: @lowest(
; CHECK-NEXT: [[BYTE:%.*]] = load i8, ptr %p
; CHECK-NEXT: [[LOWEST:%.*]] = trunc i8 [[BYTE]] to i1
; CHECK-NEXT: ret i1 [[LOWEST]]
define i1 @lowest(ptr %p) {
  %byte = load i8, ptr %p, align 1
  %bit = trunc i8 %byte to i1
  ret i1 %bit
}

!0 = !{i8 0, i8 2}
!1 = !{}
!2 = !{i64 8}
