; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes reachability --emit llvm-ir %s -o - | FileCheck-22 %s
; What an ordinary program has is no error: arrays of fixed size, intrinsics that all targets have, the exported
; functions that the compiler makes.

declare void @llvm.lifetime.start.p0(ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare { i64, i1 } @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.assume(i1)

; CHECK-LABEL: @f(
define void @f(ptr %p, i64 %n) {
  %array = alloca [64 x i8]
  call void @llvm.lifetime.start.p0(ptr %array)
  call void @llvm.memcpy.p0.p0.i64(ptr %array, ptr %p, i64 64, i1 false)
  %product = call { i64, i1 } @llvm.umul.with.overflow.i64(i64 %n, i64 8)
  call void @llvm.assume(i1 true)
  %quotient = udiv i64 %n, 7
  ret void
}

define void @gpufas_entry_go() {
  %target = load volatile ptr, ptr null
  call void %target()
  ret void
}
