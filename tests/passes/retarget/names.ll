; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; A name in PTX has letters, digits, underscores and dollar signs only; names that become the same by that stay
; apart.

; CHECK-DAG: @a_b_ = internal global i32 1
; CHECK-DAG: @{{"?}}a_b_{{[$0-9]+"?}} = internal global i32 2
; CHECK-DAG: @a_b = internal global i32 3
; CHECK-DAG: @WARP_SZ_ = internal global i32 4
; CHECK-DAG: @"plain$1" = internal global i32 5
@a.b = internal global i32 1
@"a-b" = internal global i32 2
@a_b = internal global i32 3
@WARP_SZ = internal global i32 4
@plain$1 = internal global i32 5

; CHECK: define internal void @f_constprop_0_()
; CHECK: declare void @llvm.trap()
define void @f.constprop.0() {
  call void @llvm.trap()
  ret void
}
declare void @llvm.trap()
