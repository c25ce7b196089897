; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --emit llvm-ir %s -o - | FileCheck-22 %s
; Loads of one object share one translation, and are made together: a comparison for all of it, with the direct map and then with
; the image, and the runtime's answer for what is elsewhere. Where it lies in no one piece, each load has its own translation.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK: [[NUMBER:%.*]] = ptrtoint ptr %p to i64
; CHECK: [[BASE:%.*]] = freeze i64 [[NUMBER]]
; CHECK: [[START:%.*]] = load i64, ptr {{.*}}, align 8, !invariant.load
; CHECK: [[SIZE:%.*]] = load i64, ptr {{.*}}, align 8, !invariant.load
; CHECK: [[OFFSET:%.*]] = load i64, ptr {{.*}}, align 8, !invariant.load
; CHECK: [[DISTANCE:%.*]] = sub i64 {{.*}}, [[START]]
; From 8 to 44 bytes from the base, 40 bytes with the whole of the last word: what follows the first word must fit.
; CHECK: [[LENGTH:%.*]] = call i64 @llvm.usub.sat.i64(i64 [[SIZE]], i64 32)
; CHECK: [[LOW:%.*]] = lshr i64 [[DISTANCE]], 3
; CHECK: [[HIGH:%.*]] = shl i64 [[DISTANCE]], 61
; CHECK: [[WORDS:%.*]] = lshr i64 [[LENGTH]], 3
; CHECK: [[ROTATED:%.*]] = or i64 [[LOW]], [[HIGH]]
; CHECK: [[INSIDE:%.*]] = icmp ult i64 [[ROTATED]], [[WORDS]]
; CHECK: br i1 [[INSIDE]], label %[[TRANSLATED:[0-9a-z]+]], label %[[IMAGE:image[0-9]*]]
; CHECK: [[IMAGE]]:
; CHECK: load i64, ptr getelementptr (i8, ptr @gpufas_context, i64 472)
; CHECK: br i1 {{.*}}, label %[[TRANSLATED]], label %[[ELSEWHERE:elsewhere[0-9]*]]
; CHECK: [[ELSEWHERE]]:
; CHECK: [[FOUND:%.*]] = call i64 @gpufas_object(i64 {{.*}}, i64 40)
; CHECK: [[IS_ONE:%.*]] = icmp ne i64 [[FOUND]], 1
; CHECK: [[BITS:%.*]] = and i64 {{.*}}, 7
; CHECK: [[IS_ALIGNED:%.*]] = icmp eq i64 [[BITS]], 0
; CHECK: [[IS_FOUND:%.*]] = and i1 [[IS_ONE]], [[IS_ALIGNED]]
; CHECK: br label %[[TRANSLATED]]
; CHECK: [[TRANSLATED]]:
; CHECK: phi i64 [ [[OFFSET]],
; CHECK-SAME: [ [[FOUND]], %[[ELSEWHERE]] ]
; CHECK: [[SHARED:%.*]] = phi i1 [ true, {{.*}} ], [ true, %[[IMAGE]] ], [ [[IS_FOUND]], %[[ELSEWHERE]] ]
; CHECK: [[AT:%.*]] = inttoptr
; CHECK: br i1 [[SHARED]], label %[[TOGETHER:shared[0-9]*]], label %[[EACH:each[0-9]*]]
; CHECK: [[TOGETHER]]:
; CHECK: [[P1:%.*]] = getelementptr i8, ptr [[AT]], i64 8
; CHECK: [[V1:%.*]] = load volatile i64, ptr [[P1]], align 8, {{.*}}!gpufas.outside
; CHECK: [[P2:%.*]] = getelementptr i8, ptr [[AT]], i64 40
; CHECK: [[V2:%.*]] = load volatile i32, ptr [[P2]], align 4, {{.*}}!gpufas.outside
; CHECK: [[EACH]]:
; CHECK: [[A1:%.*]] = add i64 [[BASE]], 8
; CHECK: [[T1:%.*]] = call ptr @gpufas_translate_load(i64 [[A1]], i64 8, i32
; CHECK: [[E1:%.*]] = load volatile i64, ptr [[T1]], align 8
; CHECK-NOT: gpufas.outside
; CHECK: [[A2:%.*]] = add i64 [[BASE]], 40
; CHECK: [[T2:%.*]] = call ptr @gpufas_translate_load(i64 [[A2]], i64 4, i32
; CHECK: [[E2:%.*]] = load volatile i32, ptr [[T2]], align 4
; CHECK: phi i64 [ [[V1]], %[[TOGETHER]] ], [ [[E1]], %[[EACH]] ]
; CHECK: phi i32 [ [[V2]], %[[TOGETHER]] ], [ [[E2]], %[[EACH]] ]
; CHECK-NOT: gpufas_translate_load
; CHECK: ret i64
define i64 @f(ptr %p) {
  %first = getelementptr i8, ptr %p, i64 8
  %a = load i64, ptr %first, align 8
  %twice = mul i64 %a, 2
  %second = getelementptr i8, ptr %p, i64 40
  %b = load i32, ptr %second, align 4
  %wide = zext i32 %b to i64
  %sum = add i64 %twice, %wide
  ret i64 %sum
}

; Before the base, as in container_of().
; CHECK-LABEL: @behind(
; CHECK: add i64 {{.*}}, -24
; CHECK: call i64 @gpufas_object(i64 {{.*}}, i64 32)
; CHECK: getelementptr i8, ptr {{.*}}, i64 -24
; CHECK: getelementptr i8, ptr {{.*}}, i64 0
define i64 @behind(ptr %p) {
  %first = getelementptr i8, ptr %p, i64 -24
  %a = load i64, ptr %first, align 8
  %b = load i64, ptr %p, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; A load alone is no object: what the linear regions do not have, the runtime is asked for at once.
; CHECK-LABEL: @alone(
; CHECK-NOT: gpufas_object
; CHECK: [[SHARED:%.*]] = phi i1 [ true, {{.*}} ], [ true, {{.*}} ], [ false, {{.*}} ]
; CHECK: br i1 [[SHARED]]
; CHECK: call ptr @gpufas_translate_load(
define i8 @alone(ptr %p) {
  %value = load i8, ptr %p, align 1
  ret i8 %value
}

; From the middle of a word: the widest load says where the object begins.
; CHECK-LABEL: @middle(
; CHECK: add i64 {{.*}}, -4
; CHECK: call i64 @gpufas_object(i64 {{.*}}, i64 16)
; CHECK: ret i64
define i64 @middle(ptr %p) {
  %a = load i32, ptr %p, align 4
  %second = getelementptr i8, ptr %p, i64 4
  %b = load i64, ptr %second, align 8
  %wide = zext i32 %a to i64
  %sum = add i64 %wide, %b
  ret i64 %sum
}

; Of two that are never aligned both, each is an object.
; CHECK-LABEL: @never_both(
; CHECK-NOT: gpufas_object
; CHECK: ret i64
define i64 @never_both(ptr %p) {
  %a = load i64, ptr %p, align 8
  %second = getelementptr i8, ptr %p, i64 12
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}
