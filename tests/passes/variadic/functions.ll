; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes variadic --emit llvm-ir %s -o - | FileCheck-22 %s
; Variable arguments are in an array of the caller's, in the layout of the x86-64 ABI's overflow area; a list says that its
; registers are used up, so that the code that clang has made of va_arg() reads them there.

; CHECK: @pointer = global ptr @sum
@pointer = global ptr @sum

declare void @llvm.va_start.p0(ptr)
declare void @llvm.va_copy.p0(ptr, ptr)
declare void @llvm.va_end.p0(ptr)
declare i32 @snprintf(ptr, i64, ptr, ...)

; A copy is one of all 24 bytes, also where the list is only a parameter.
; CHECK-LABEL: define void @copy(
; CHECK-COUNT-3: load i64
; CHECK-NOT: va_copy
; CHECK: ret void
define void @copy(ptr %to, ptr %from) {
  call void @llvm.va_copy.p0(ptr %to, ptr %from)
  ret void
}

; CHECK-LABEL: define i64 @calls(
; CHECK: [[ALL:%.*]] = alloca [8 x i64], align 16
; CHECK: store i32 %i, ptr {{%.*}}, align 8
; CHECK: [[P8:%.*]] = getelementptr i8, ptr [[ALL]], i64 8
; CHECK: store ptr %p, ptr [[P8]], align 8
; CHECK: [[P16:%.*]] = getelementptr i8, ptr [[ALL]], i64 16
; CHECK: store i128 %q, ptr [[P16]]
; CHECK: [[P32:%.*]] = getelementptr i8, ptr [[ALL]], i64 32
; CHECK: call void @llvm.memcpy{{.*}}(ptr align 8 [[P32]], ptr align 8 %s, i64 20
; CHECK: [[P56:%.*]] = getelementptr i8, ptr [[ALL]], i64 56
; CHECK: store double 1.000000e+00, ptr [[P56]]
; CHECK: call i64 @sum(ptr noundef null, ptr [[ALL]])
define i64 @calls(i32 %i, ptr %p, i128 %q, ptr %s) {
  %r = call i64 (ptr, ...) @sum(ptr noundef null, i32 %i, ptr %p, i128 %q, ptr byval({ i64, i64, i32 }) align 8 %s, double 1.0)
  ret i64 %r
}

; CHECK-LABEL: define i64 @through_pointer(
; CHECK: call i64 %f(ptr null, ptr {{%.*}})
define i64 @through_pointer(ptr %f) {
  %r = call i64 (ptr, ...) %f(ptr null, i32 1)
  ret i64 %r
}

; What is only declared as f() takes what it is defined with.
; CHECK-LABEL: define i32 @without_prototype(
; CHECK: call i32 @plain(i32 signext 7)
define i32 @without_prototype() {
  %r = call i32 (...) @plain(i32 7)
  ret i32 %r
}

define i32 @plain(i32 signext %x) {
  ret i32 %x
}

; Functions that take the place of others stand behind all others.
; CHECK: declare i32 @snprintf(ptr, i64, ptr, ptr)
; CHECK-LABEL: define i64 @sum(ptr noundef %types, ptr %0)
; CHECK: store i32 48, ptr %list, align 8
; CHECK: [[VECTOR:%.*]] = getelementptr i8, ptr %list, i64 4
; CHECK: store i32 176, ptr [[VECTOR]], align 4
; CHECK: [[AREA:%.*]] = getelementptr i8, ptr %list, i64 8
; CHECK: store ptr %0, ptr [[AREA]], align 8
; CHECK-NOT: va_
; CHECK: ret i64
define i64 @sum(ptr noundef %types, ...) {
  %list = alloca [24 x i8], align 16
  call void @llvm.va_start.p0(ptr %list)
  call void @llvm.va_end.p0(ptr %list)
  ret i64 0
}
