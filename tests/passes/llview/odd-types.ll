; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; Types whose size is no power of two, or that are wider than a pointer can serve, go by bytes; others are one
; access.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
define void @f(ptr %p, i1 %bit, i24 %three, i128 %wide, <4 x i32> %vector, <3 x i32> %odd, { i32, i32 } %pair, { i64, i64, i64 } %large, x86_fp80 %extended) {
; CHECK: call ptr @gpufas_translate_store(i64 {{%.*}}, i64 1,
; CHECK: store volatile i1 %bit
  store i1 %bit, ptr %p, align 1
; CHECK: call void @gpufas_store_bytes(i64 {{%.*}}, ptr {{%.*}}, i64 3,
  store i24 %three, ptr %p, align 4
; CHECK: call ptr @gpufas_translate_store(i64 {{%.*}}, i64 16,
; CHECK: store volatile i128 %wide
  store i128 %wide, ptr %p, align 16
; CHECK: call ptr @gpufas_translate_store(i64 {{%.*}}, i64 16,
; CHECK: store volatile <4 x i32> %vector
  store <4 x i32> %vector, ptr %p, align 16
; CHECK: call void @gpufas_store_bytes(i64 {{%.*}}, ptr {{%.*}}, i64 12,
  store <3 x i32> %odd, ptr %p, align 16
; CHECK: call ptr @gpufas_translate_store(i64 {{%.*}}, i64 8,
; CHECK: store volatile { i32, i32 } %pair
  store { i32, i32 } %pair, ptr %p, align 8
; CHECK: call void @gpufas_store_bytes(i64 {{%.*}}, ptr {{%.*}}, i64 24,
  store { i64, i64, i64 } %large, ptr %p, align 8
; CHECK: call void @gpufas_store_bytes(i64 {{%.*}}, ptr {{%.*}}, i64 10,
  store x86_fp80 %extended, ptr %p, align 16
; CHECK: call void @gpufas_load_bytes(ptr [[SLOT:%.*]], i64 {{%.*}}, i64 3,
; CHECK: load i24, ptr [[SLOT]], align 16
  %loaded = load i24, ptr %p, align 4
  ret void
}
