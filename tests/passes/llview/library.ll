; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; Functions that the runtime has under another name get the place that calls them as their last argument.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare i64 @strlen(ptr)
declare i32 @memcmp(ptr, ptr, i64)
declare i64 @strscpy(ptr, ptr, i64)

; CHECK-LABEL: @f(
; CHECK: [[LENGTH:%.*]] = call i64 @gpufas_lib_strlen(ptr %a, i32 1)
; CHECK: [[ORDER:%.*]] = call i32 @gpufas_lib_memcmp(ptr %a, ptr %b, i64 [[LENGTH]], i32 1)
; CHECK: call i64 @gpufas_lib_strscpy(ptr %a, ptr %b, i64 8, i32 1)
; CHECK: ret i32 [[ORDER]]
define i32 @f(ptr %a, ptr %b) {
  %length = call i64 @strlen(ptr %a)
  %order = call i32 @memcmp(ptr %a, ptr %b, i64 %length)
  %copied = call i64 @strscpy(ptr %a, ptr %b, i64 8)
  ret i32 %order
}

declare i32 @vsnprintf(ptr, i64, ptr, ptr)

; What is written must be inside, but for what sprintf() claims to have.
; CHECK-LABEL: @text(
; CHECK-NOT: @gpufas.check_bounds
; CHECK: call i32 @gpufas_lib_vsnprintf(ptr %own, i64 8, ptr %format, ptr %list, i32
; CHECK: call i32 @gpufas_lib_vsnprintf(ptr %own, i64 2147483647, ptr %format, ptr %list, i32
; CHECK: call void @gpufas.check_bounds(i64 %{{.*}}, i64 9, i64 8, i32
; CHECK: call i32 @gpufas_lib_vsnprintf(ptr %own, i64 9, ptr %format, ptr %list, i32
define i32 @text(ptr %format, ptr %list) {
  %own = alloca [8 x i8]
  %fits = call i32 @vsnprintf(ptr %own, i64 8, ptr %format, ptr %list)
  %all = call i32 @vsnprintf(ptr %own, i64 2147483647, ptr %format, ptr %list)
  %more = call i32 @vsnprintf(ptr %own, i64 9, ptr %format, ptr %list)
  ret i32 %more
}
