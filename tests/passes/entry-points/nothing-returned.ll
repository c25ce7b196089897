; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes entry-points --emit llvm-ir %s -o - | FileCheck-22 %s
; A program that returns nothing has succeeded.

@help = private constant [5 x i8] c"help\00"
@entry.go = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.go, ptr @help, ptr @program, i32 0, [8 x { ptr, ptr }] [{ ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.go = private constant [3 x i8] c"go\00"
define internal void @program() {
  ret void
}
; CHECK-LABEL: define void @gpufas_entry_go(
; CHECK: call void {{%.*}}()
; CHECK: call void @gpufas_finish(i64 0)
