; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes entry-points --emit llvm-ir %s -o - | FileCheck-22 %s
; An entry point becomes an exported function without parameters, which begins the launch, fetches the
; arguments, calls the program through a pointer that cannot be seen through, and ends the launch with the
; result.

@t.i32 = private constant [4 x i8] c"i32\00"
@n.i32 = private constant [6 x i8] c"a_i32\00"
@help = private constant [5 x i8] c"help\00"
@entry.kill = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.kill, ptr @help, ptr @program, i32 1, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.i32, ptr @n.i32 }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.kill = private constant [5 x i8] c"kill\00"
@llvm.used = appending global [1 x ptr] [ptr @entry.kill], section "llvm.metadata"

define internal i32 @program(i32 %pid) {
  ret i32 %pid
}

; CHECK: @gpufas_context = external global [{{[0-9]+}} x i8]
; CHECK: @gpufas.target.kill = internal global ptr @program
; CHECK-NOT: @entry.kill
; CHECK-NOT: @llvm.used
; CHECK: define void @gpufas_entry_kill() #[[ATTRIBUTES:[0-9]+]] {
; CHECK: [[STACK:%.*]] = alloca i64
; CHECK: call void @gpufas_start(ptr [[STACK]])
; CHECK: [[WORD:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 496), align 8
; CHECK: [[PID:%.*]] = trunc i64 [[WORD]] to i32
; CHECK: [[TARGET:%.*]] = load volatile ptr, ptr @gpufas.target.kill
; CHECK: [[RESULT:%.*]] = call i32 [[TARGET]](i32 [[PID]])
; CHECK: [[WIDE:%.*]] = sext i32 [[RESULT]] to i64
; CHECK: call void @gpufas_finish(i64 [[WIDE]])
; CHECK: ret void
; CHECK: attributes #[[ATTRIBUTES]] = { nounwind }
