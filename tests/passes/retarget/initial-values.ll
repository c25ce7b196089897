; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 --check-prefix=HOST %s
; PTX has no initial values that lead in a circle, as a list head's to itself, and none that are computed of addresses: code assigns
; those. ELF has relocations for them.

; CHECK-DAG: @list = internal global { ptr, ptr } zeroinitializer
; HOST-DAG: @list = internal global { ptr, ptr } { ptr @list, ptr @list }
@list = internal global { ptr, ptr } { ptr @list, ptr @list }

; CHECK-DAG: @a = internal global { i64, ptr } { i64 7, ptr null }
; CHECK-DAG: @b = internal global { ptr, [2 x i32] } { ptr null, [2 x i32] [i32 1, i32 2] }
@a = internal constant { i64, ptr } { i64 7, ptr @b }
@b = internal global { ptr, [2 x i32] } { ptr @a, [2 x i32] [i32 1, i32 2] }

; CHECK-DAG: @plain = internal constant { ptr, ptr, i64 } { ptr @leaf, ptr getelementptr (i8, ptr @leaf, i64 4), i64 ptrtoint (ptr @leaf to i64) }
@plain = internal constant { ptr, ptr, i64 } { ptr @leaf, ptr getelementptr (i8, ptr @leaf, i64 4), i64 ptrtoint (ptr @leaf to i64) }
@leaf = internal global [2 x i32] zeroinitializer

; CHECK-DAG: @distance = internal global i64 0
; CHECK-DAG: @half = internal global i32 0
@distance = internal constant i64 sub (i64 ptrtoint (ptr @plain to i64), i64 ptrtoint (ptr @leaf to i64))
@half = internal constant i32 trunc (i64 sub (i64 ptrtoint (ptr @plain to i64), i64 ptrtoint (ptr @leaf to i64)) to i32)

define ptr @use() {
  ret ptr @list
}

; They are assigned after the launch has begun and before the program runs.
; CHECK-LABEL: define {{.*}}void @gpufas_entry_go()
; CHECK: call void @gpufas_start
; CHECK-NEXT: call void @gpufas_initialise_own_()
; HOST-LABEL: define void @gpufas_entry_go()
; HOST-NOT: initialise
define void @gpufas_entry_go() {
  %stack = alloca i64
  call void @gpufas_start(ptr %stack)
  ret void
}
declare void @gpufas_start(ptr)

; CHECK-LABEL: define internal void @gpufas_initialise_own_()
; CHECK-DAG: store ptr @list, ptr @list
; CHECK-DAG: store ptr @list, ptr getelementptr {{.*}}@list
; CHECK-DAG: store ptr @b, ptr getelementptr {{.*}}@a
; CHECK-DAG: store ptr @a, ptr @b
; CHECK-DAG: store i64 sub
; CHECK-DAG: store i32 trunc
; CHECK: ret void
