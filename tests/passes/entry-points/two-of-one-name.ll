; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes entry-points --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; Two entry points of one name could not be told apart.

@help = private constant [5 x i8] c"help\00"
@entry.go = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.go, ptr @help, ptr @program, i32 0, [8 x { ptr, ptr }] [{ ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.go = private constant [3 x i8] c"go\00"
@entry.again = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.go, ptr @help, ptr @program, i32 0, [8 x { ptr, ptr }] [{ ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
define internal void @program() {
  ret void
}
; CHECK: error: two entry points are called `go`
; CHECK: 1 error generated
