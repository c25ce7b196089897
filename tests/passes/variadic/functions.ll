; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes variadic --emit llvm-ir %s -o - | FileCheck-22 %s
; Variable arguments are in an array of the caller's: first as the x86-64 ABI has them in registers (6 of 8 bytes, 8 of 16), then
; its overflow area. A list of that array is one that the code understands that clang has made of va_arg().

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
; CHECK: [[ALL:%.*]] = alloca [25 x i64], align 16
; CHECK: [[I:%.*]] = getelementptr i8, ptr [[ALL]], i64 8
; CHECK: store i32 %i, ptr [[I]], align 8
; CHECK: [[P:%.*]] = getelementptr i8, ptr [[ALL]], i64 16
; CHECK: store ptr %p, ptr [[P]], align 8
; CHECK: [[Q:%.*]] = getelementptr i8, ptr [[ALL]], i64 24
; CHECK: store i128 %q, ptr [[Q]]
; CHECK: [[S:%.*]] = getelementptr i8, ptr [[ALL]], i64 176
; CHECK: call void @llvm.memcpy{{.*}}(ptr align 8 [[S]], ptr align 8 %s, i64 20
; CHECK: [[D:%.*]] = getelementptr i8, ptr [[ALL]], i64 48
; CHECK: store double 1.000000e+00, ptr [[D]]
; CHECK: call i64 @sum(ptr noundef null, ptr [[ALL]])
define i64 @calls(i32 %i, ptr %p, i128 %q, ptr %s) {
  %r = call i64 (ptr, ...) @sum(ptr noundef null, i32 %i, ptr %p, i128 %q, ptr byval({ i64, i64, i32 }) align 8 %s, double 1.0)
  ret i64 %r
}

; What finds no registers leaves them to others. In memory, alignment counts: that of the type, and what the call says.
; CHECK-LABEL: define i64 @memory(
; CHECK: [[ALL:%.*]] = alloca [34 x i64], align 64
; CHECK: [[Q:%.*]] = getelementptr i8, ptr [[ALL]], i64 176
; CHECK: store i128 %q, ptr [[Q]]
; CHECK: [[I:%.*]] = getelementptr i8, ptr [[ALL]], i64 40
; CHECK: store i64 7, ptr [[I]]
; CHECK: [[LAST:%.*]] = getelementptr i8, ptr [[ALL]], i64 192
; CHECK: store i64 8, ptr [[LAST]]
; CHECK: [[S:%.*]] = getelementptr i8, ptr [[ALL]], i64 256
; CHECK: call void @llvm.memcpy{{.*}}(ptr align 8 [[S]], ptr align 8 %s, i64 16
define i64 @memory(i128 %q, ptr %s) {
  %r = call i64 (ptr, i64, i128, ptr, ...) @last(ptr null, i64 1, i128 2, ptr byval(i64) align 8 %s, i64 5, i128 %q, i64 7, i64 8, ptr byval({ i64, i64 }) align 64 %s)
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
; CHECK: store i32 8, ptr %list, align 8
; CHECK: [[VECTOR:%.*]] = getelementptr i8, ptr %list, i64 4
; CHECK: store i32 48, ptr [[VECTOR]], align 4
; CHECK: [[OVERFLOW:%.*]] = getelementptr i8, ptr %0, i64 176
; CHECK: [[AREA:%.*]] = getelementptr i8, ptr %list, i64 8
; CHECK: store ptr [[OVERFLOW]], ptr [[AREA]], align 8
; CHECK: [[SAVED:%.*]] = getelementptr i8, ptr %list, i64 16
; CHECK: store ptr %0, ptr [[SAVED]], align 8
; CHECK-NOT: va_
; CHECK: ret i64
define i64 @sum(ptr noundef %types, ...) {
  %list = alloca [24 x i8], align 16
  call void @llvm.va_start.p0(ptr %list)
  call void @llvm.va_end.p0(ptr %list)
  ret i64 0
}

; CHECK-LABEL: define i64 @last(ptr %a, i64 %b, i128 %c, ptr byval(i64) align 8 %d, ptr %0)
; CHECK: store i32 32, ptr %list
define i64 @last(ptr %a, i64 %b, i128 %c, ptr byval(i64) align 8 %d, ...) {
  %list = alloca [24 x i8], align 16
  call void @llvm.va_start.p0(ptr %list)
  ret i64 0
}
