; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --emit llvm-ir %s -o - | FileCheck-22 %s
; An object may go on in another page than it begins in, and what is mapped side by side need not lie side by side: whether it is in
; one piece is asked for the whole of it, and no load goes by the pointer of the first byte where it is not.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @crosses(
; CHECK: call i64 @gpufas_object(i64 {{.*}}, i64 5008)
; CHECK: br i1 {{.*}}, label %{{shared.*}}, label %[[EACH:each[0-9]*]]
; CHECK: [[EACH]]:
; CHECK: call ptr @gpufas_translate_load(
; CHECK: call ptr @gpufas_translate_load(
define i64 @crosses(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 5000
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; So far apart that it is no object any more.
; CHECK-LABEL: @far(
; CHECK-NOT: gpufas_object
; CHECK: ret i64
define i64 @far(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 1000000
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}
