; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes entry-points --emit llvm-ir %s -o - | FileCheck-22 %s
; Each argument comes from its own word of the context, in the form in which C passes it: any number but 0 is
; true, and how a parameter is extended is part of the call.

@t.bool = private constant [5 x i8] c"bool\00"
@n.bool = private constant [7 x i8] c"a_bool\00"
@t.u64 = private constant [4 x i8] c"u64\00"
@n.u64 = private constant [6 x i8] c"a_u64\00"
@t.i64 = private constant [4 x i8] c"i64\00"
@n.i64 = private constant [6 x i8] c"a_i64\00"
@t.u32 = private constant [4 x i8] c"u32\00"
@n.u32 = private constant [6 x i8] c"a_u32\00"
@t.string = private constant [7 x i8] c"string\00"
@n.string = private constant [9 x i8] c"a_string\00"
@help = private constant [5 x i8] c"help\00"
@entry.go = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.go, ptr @help, ptr @program, i32 5, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.bool, ptr @n.bool }, { ptr, ptr } { ptr @t.u64, ptr @n.u64 }, { ptr, ptr } { ptr @t.i64, ptr @n.i64 }, { ptr, ptr } { ptr @t.u32, ptr @n.u32 }, { ptr, ptr } { ptr @t.string, ptr @n.string }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.go = private constant [3 x i8] c"go\00"
define internal i32 @program(i1 noundef zeroext %a, i64 %b, i64 %c, i32 %d, ptr %e) {
  ret i32 0
}

; CHECK-LABEL: define void @gpufas_entry_go(
; CHECK: [[A:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 496), align 8
; CHECK: [[TRUE:%.*]] = icmp ne i64 [[A]], 0
; CHECK: [[B:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 504), align 8
; CHECK: [[C:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 512), align 8
; CHECK: [[D:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 520), align 8
; CHECK: [[HALF:%.*]] = trunc i64 [[D]] to i32
; CHECK: [[E:%.*]] = load i64, ptr getelementptr {{.*}}@gpufas_context, i64 528), align 8
; CHECK: [[TEXT:%.*]] = inttoptr i64 [[E]] to ptr
; CHECK: call i32 {{%.*}}(i1 zeroext [[TRUE]], i64 [[B]], i64 [[C]], i32 [[HALF]], ptr [[TEXT]])
