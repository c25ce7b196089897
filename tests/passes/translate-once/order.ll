; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --emit llvm-ir %s -o - | FileCheck-22 %s
; Loads keep their order where the source asks for one: none is moved over a store to kernel memory, a fence, a call, or, if it is
; volatile itself, over another volatile one. Each is made, also of one address.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @other()

; CHECK-LABEL: @stored(
; CHECK: load volatile i64
; CHECK: phi i64
; CHECK: call ptr @gpufas_translate_store(
; CHECK: store volatile i64
; CHECK: load volatile i64
define i64 @stored(ptr %p, ptr %q) {
  %a = load i64, ptr %p, align 8
  store i64 1, ptr %q, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; CHECK-LABEL: @fenced(
; CHECK: phi i64
; CHECK: fence acquire
; CHECK: load volatile i64
define i64 @fenced(ptr %p) {
  %a = load i64, ptr %p, align 8
  fence acquire
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; A load that what follows must not come before: of another object, or of the same.
; CHECK-LABEL: @acquired(
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK-NOT: load volatile i64
; CHECK: each{{.*}}:
; CHECK: load atomic volatile i64, {{.*}} acquire
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK: ret i64
define i64 @acquired(ptr %p, ptr %q) {
  %a = load i64, ptr %p, align 8
  %ready = load atomic i64, ptr %q acquire, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  %all = add i64 %sum, %ready
  ret i64 %all
}

; CHECK-LABEL: @acquired_itself(
; CHECK: shared{{.*}}:
; CHECK: load atomic volatile i64, {{.*}} acquire
; CHECK-NOT: load volatile i64
; CHECK: each{{.*}}:
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK: ret i64
define i64 @acquired_itself(ptr %p) {
  %ready = load atomic i64, ptr %p acquire, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %ready, %b
  ret i64 %sum
}

; CHECK-LABEL: @called(
; CHECK: phi i64
; CHECK: call void @other()
; CHECK: load volatile i64
define i64 @called(ptr %p) {
  %a = load i64, ptr %p, align 8
  call void @other()
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; READ_ONCE() of one object's, then of another's, then of the first again: three places.
; CHECK-LABEL: @volatile(
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK-NOT: load volatile i64
; CHECK: each{{.*}}:
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK-NOT: load volatile i64
; CHECK: each{{.*}}:
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK: ret i64
define i64 @volatile(ptr %p, ptr %q) {
  %a = load volatile i64, ptr %p, align 8
  %b = load volatile i64, ptr %q, align 8
  %third = getelementptr i8, ptr %p, i64 8
  %c = load volatile i64, ptr %third, align 8
  %sum = add i64 %a, %b
  %all = add i64 %sum, %c
  ret i64 %all
}

; A plain load may pass a volatile one.
; CHECK-LABEL: @plain(
; CHECK: shared{{.*}}:
; CHECK: load volatile i64, ptr {{.*}}, align 8, !gpufas.outside
; CHECK: load volatile i64, ptr {{.*}}, align 8, !gpufas.plain
; CHECK: each{{.*}}:
define i64 @plain(ptr %p) {
  %a = load volatile i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; One word twice is read twice.
; CHECK-LABEL: @twice(
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK: load volatile i64
; CHECK: each{{.*}}:
define i64 @twice(ptr %p) {
  %a = load volatile i64, ptr %p, align 8
  %b = load volatile i64, ptr %p, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; What the program stores to its own memory keeps nothing apart.
; CHECK-LABEL: @own(
; CHECK: shared{{.*}}:
; CHECK: load volatile i64
; CHECK: load volatile i64
; CHECK: each{{.*}}:
; CHECK: store i64 {{.*}}, ptr %local
define i64 @own(ptr %p) {
  %local = alloca i64, align 8
  %a = load i64, ptr %p, align 8
  store i64 %a, ptr %local, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %back = load i64, ptr %local, align 8
  %sum = add i64 %back, %b
  ret i64 %sum
}

; But a variable whose address is elsewhere, too, may be what a load goes by.
; CHECK-LABEL: @escaped(
; CHECK: shared{{.*}}:
; CHECK: load volatile ptr
; CHECK-NOT: load volatile
; CHECK: each{{.*}}:
; CHECK: store i64 1, ptr %local
; CHECK: load volatile i64
; CHECK: ret i64
define i64 @escaped(ptr %p, ptr %q) {
  %local = alloca i64, align 8
  store ptr %local, ptr %q, align 8
  %a = load ptr, ptr %p, align 8
  store i64 1, ptr %local, align 8
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  ret i64 %b
}
