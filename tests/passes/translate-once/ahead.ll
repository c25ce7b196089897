; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --target cuda --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes llview,translate-once --target host --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix HOST
; For a GPU, a plain load under a condition is made together with an earlier one of its object, if the object lies in one piece; it
; faults only where it is. The host does not wait for its memory, so that there it stays under its condition.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

declare void @other()

; CHECK-LABEL: @condition(
; CHECK: shared:
; CHECK: [[A:%.*]] = load volatile i64, ptr
; CHECK: [[B:%.*]] = load volatile i64, ptr
; CHECK: each:
; CHECK: call ptr @gpufas_translate_load(
; CHECK: load volatile i64, ptr
; CHECK-NOT: gpufas_translate_load
; CHECK: phi i64 [ [[A]], %shared ]
; CHECK: [[AHEAD:%.*]] = phi i64 [ [[B]], %shared ], [ poison, %each ]
; CHECK: br i1 %ok
; CHECK: yes:
; CHECK: br i1 {{.*}}, label %[[BEHIND:.*]], label %[[ALONE:alone[0-9]*]]
; CHECK: [[ALONE]]:
; CHECK: call ptr @gpufas_translate_load(
; CHECK: [[OWN:%.*]] = load volatile i64, ptr
; CHECK: phi i64 [ [[AHEAD]], %yes ], [ [[OWN]], %[[ALONE]] ]
; CHECK: ret i64
; HOST-LABEL: @condition(
; HOST: shared{{[0-9]*}}:
; HOST: load volatile i64, ptr
; HOST-NOT: load volatile i64, ptr
; HOST: each{{[0-9]*}}:
; HOST: yes:
; HOST: load volatile i64, ptr
; HOST: ret i64
define i64 @condition(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  br label %end
end:
  %result = phi i64 [ %b, %yes ], [ 1, %entry ]
  ret i64 %result
}

; A call in between: nothing is made ahead.
; CHECK-LABEL: @called(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: call void @other()
; CHECK: load volatile i64, ptr
; CHECK: ret i64
define i64 @called(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  call void @other()
  br label %end
end:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  ret i64 %b
}

; READ_ONCE() is made ahead only where it is made in any case: not under a condition,
; CHECK-LABEL: @volatile_under(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: yes:
; CHECK: load volatile i64, ptr
; CHECK: ret i64
define i64 @volatile_under(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  br label %end
end:
  %result = phi i64 [ %b, %yes ], [ 1, %entry ]
  ret i64 %result
}

; but behind one.
; CHECK-LABEL: @volatile_behind(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: ret i64
define i64 @volatile_behind(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  %more = mul i64 %a, 7
  br label %end
end:
  %result = phi i64 [ %more, %yes ], [ 1, %entry ]
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  %sum = add i64 %b, %result
  ret i64 %sum
}

; A loop in between reads a word until it changes: each turn reads it.
; CHECK-LABEL: @looped(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: loop:
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK: ret void
define void @looped(ptr %p) {
entry:
  %a = load i64, ptr %p, align 8
  br label %loop
loop:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %again = icmp eq i64 %a, %b
  br i1 %again, label %loop, label %end
end:
  ret void
}

; The same where the loop is not entered at one place only.
; CHECK-LABEL: @entered_twice(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: mid:
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK: ret void
define void @entered_twice(ptr %p, i1 %c) {
entry:
  %a = load i64, ptr %p, align 8
  br i1 %c, label %top, label %mid
top:
  br label %mid
mid:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load volatile i64, ptr %second, align 8
  %again = icmp eq i64 %b, 0
  br i1 %again, label %top, label %end
end:
  ret void
}

; Nor over a loop that waits for something.
; CHECK-LABEL: @behind_a_loop(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: wait:
; CHECK: end:
; CHECK: load volatile i64, ptr
; CHECK: ret i64
define i64 @behind_a_loop(ptr %p, ptr %q) {
entry:
  %a = load i64, ptr %p, align 8
  br label %wait
wait:
  %done = load volatile i64, ptr %q, align 8
  %again = icmp eq i64 %done, 0
  br i1 %again, label %wait, label %end
end:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  %sum = add i64 %a, %b
  ret i64 %sum
}

; A store to kernel memory in a block between keeps them apart as well.
; CHECK-LABEL: @stored_between(
; CHECK: shared{{[0-9]*}}:
; CHECK: load volatile i64, ptr
; CHECK-NOT: load volatile i64, ptr
; CHECK: each{{[0-9]*}}:
; CHECK: yes:
; CHECK: call ptr @gpufas_translate_store(
; CHECK: end:
; CHECK: load volatile i64, ptr
; CHECK: ret i64
define i64 @stored_between(ptr %p, ptr %q) {
entry:
  %a = load i64, ptr %p, align 8
  %ok = icmp eq i64 %a, 0
  br i1 %ok, label %yes, label %end
yes:
  store i64 1, ptr %q, align 8
  br label %end
end:
  %second = getelementptr i8, ptr %p, i64 8
  %b = load i64, ptr %second, align 8
  ret i64 %b
}
