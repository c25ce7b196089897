; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes variadic --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What is not known to be read where it is put is an error.

declare void @llvm.va_start.p0(ptr)

; CHECK-DAG: error: a variable argument is neither an integer, a floating-point number, a pointer nor a structure
define void @wide_vector(<8 x i32> %v) {
  call void (...) @any(<8 x i32> %v)
  ret void
}

; CHECK-DAG: error: an argument before variable ones has a type that is not known to gpufas-cc
define void @behind(<8 x i32> %v, ptr %f) {
  call void (<8 x i32>, ...) %f(<8 x i32> %v, i32 1)
  ret void
}

; CHECK-DAG: error: `plain` is called as a function of another type than it has
define void @without_prototype() {
  call void (...) @plain(i64 1)
  ret void
}

; CHECK-DAG: error: `counted` is called as a function of another type than it has
define void @other_prototype() {
  call void (ptr, ptr, ...) @counted(ptr null, ptr null)
  ret void
}

; CHECK-DAG: error: variable arguments of another calling convention than C's
define void @windows(ptr %f) {
  call win64cc void (i32, ...) %f(i32 1, i32 2)
  ret void
}

declare void @any(...)

define void @plain(i32 %x) {
  ret void
}

define void @counted(ptr %x, ...) {
  ret void
}

; CHECK-DAG: error: it is not known how this function's variable arguments are passed
define win64cc void @windows_function(i32 %x, ...) {
  %list = alloca ptr
  call void @llvm.va_start.p0(ptr %list)
  ret void
}
