; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; The x86 convention for variable arguments means nothing on a GPU: the arguments of printk() go into an array
; of words.

@format = private constant [12 x i8] c"%d %s %lu\0A\00\00"
declare i32 @_printk(ptr, ...)
declare i32 @_printk_deferred(ptr, ...)
declare void @__warn_printk(ptr, ...)

; CHECK-LABEL: @print(
; CHECK-NEXT: [[WORDS:%.*]] = alloca [3 x i64], align 8
; CHECK: [[FIRST:%.*]] = getelementptr i8, ptr [[WORDS]], i64 0
; CHECK: [[NUMBER:%.*]] = sext i32 %number to i64
; CHECK: store i64 [[NUMBER]], ptr [[FIRST]], align 8
; CHECK: [[SECOND:%.*]] = getelementptr i8, ptr [[WORDS]], i64 8
; CHECK: [[TEXT:%.*]] = ptrtoint ptr %text to i64
; CHECK: store i64 [[TEXT]], ptr [[SECOND]], align 8
; CHECK: [[THIRD:%.*]] = getelementptr i8, ptr [[WORDS]], i64 16
; CHECK: store i64 %long, ptr [[THIRD]], align 8
; CHECK: [[LENGTH:%.*]] = call i32 @gpufas.print(ptr @format, ptr [[WORDS]], i32 3)
; CHECK: ret i32 [[LENGTH]]
define i32 @print(i32 %number, ptr %text, i64 %long) {
  %length = call i32 (ptr, ...) @_printk(ptr @format, i32 %number, ptr %text, i64 %long)
  ret i32 %length
}

; The text of WARN().
; CHECK-LABEL: @warn(
; CHECK: call i32 @gpufas.print(ptr @format, ptr {{%.*}}, i32 0)
define void @warn() {
  call void (ptr, ...) @__warn_printk(ptr @format)
  ret void
}

; What the scheduler says, which the kernel prints later because of its locks.
; CHECK-LABEL: @deferred(
; CHECK: call i32 @gpufas.print(ptr @format, ptr {{%.*}}, i32 0)
define void @deferred() {
  call i32 (ptr, ...) @_printk_deferred(ptr @format)
  ret void
}
