; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview,translate-once --emit llvm-ir %s -o - | FileCheck-22 %s
; A load under a condition stays under it. The translation may come before, since it never faults: what is no address has no
; shared one, and the load faults by its own where it is.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @one(
; CHECK: entry:
; CHECK-NOT: gpufas_
; CHECK: br i1 %ok, label %[[YES:[a-z]+]], label %end
; CHECK: [[YES]]:
; CHECK: gpufas_context
; CHECK: each{{.*}}:
; CHECK: call ptr @gpufas_translate_load(
; CHECK: end:
define i32 @one(ptr %p) {
entry:
  %ok = icmp ne ptr %p, null
  br i1 %ok, label %yes, label %end
yes:
  %value = load i32, ptr %p, align 4
  br label %end
end:
  %result = phi i32 [ %value, %yes ], [ 0, %entry ]
  ret i32 %result
}

; CHECK-LABEL: @either(
; CHECK: entry:
; CHECK: call i64 @gpufas_object(i64 {{.*}}, i64 8)
; CHECK-NOT: load volatile
; CHECK: br i1 %which, label %[[YES:[a-z]+]], label %[[NO:[a-z]+]]
; CHECK: [[YES]]:
; CHECK: load volatile i32
; CHECK: [[NO]]:
; CHECK: load volatile i32
define i32 @either(ptr %p, i1 %which) {
entry:
  br i1 %which, label %yes, label %no
yes:
  %a = load i32, ptr %p, align 4
  br label %end
no:
  %second = getelementptr i8, ptr %p, i64 4
  %b = load i32, ptr %second, align 4
  br label %end
end:
  %result = phi i32 [ %a, %yes ], [ %b, %no ]
  ret i32 %result
}

; An address that is undefined where nobody uses it decides nothing: it is frozen before it is compared.
; CHECK-LABEL: @undefined(
; CHECK: [[V:%.*]] = phi ptr [ undef, %entry ], [ %q, %set ]
; CHECK: [[NUMBER:%.*]] = ptrtoint ptr [[V]] to i64
; CHECK: [[BASE:%.*]] = freeze i64 [[NUMBER]]
; CHECK-NOT: ptrtoint
; CHECK: ret i8
define i8 @undefined(ptr %q, i1 %c, i1 %d) {
entry:
  br i1 %c, label %set, label %join
set:
  br label %join
join:
  %v = phi ptr [ undef, %entry ], [ %q, %set ]
  br i1 %c, label %yes, label %no
yes:
  %a = load i8, ptr %v, align 1
  br label %no
no:
  %sum = phi i8 [ %a, %yes ], [ 0, %join ]
  br i1 %c, label %again, label %end
again:
  %second = getelementptr i8, ptr %v, i64 1
  %b = load i8, ptr %second, align 1
  br label %end
end:
  %all = phi i8 [ %b, %again ], [ %sum, %no ]
  ret i8 %all
}
