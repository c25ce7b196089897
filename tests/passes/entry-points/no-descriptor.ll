; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes entry-points --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What the macro did not make is refused by name: a count or type that does not fit the function, a name that no
; symbol can have, anything else in the section.

@t.i32 = private constant [4 x i8] c"i32\00"
@n.i32 = private constant [6 x i8] c"a_i32\00"
@t.i33 = private constant [4 x i8] c"i33\00"
@n.i33 = private constant [6 x i8] c"a_i33\00"
@help = private constant [5 x i8] c"help\00"
@entry.count = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.count, ptr @help, ptr @count, i32 2, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.i32, ptr @n.i32 }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.count = private constant [6 x i8] c"count\00"
define internal i32 @count(i32 %a) {
  ret i32 0
}
@entry.type = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.type, ptr @help, ptr @type, i32 1, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.i33, ptr @n.i33 }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.type = private constant [5 x i8] c"type\00"
define internal i32 @type(i32 %a) {
  ret i32 0
}
@entry.parameters = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.parameters, ptr @help, ptr @parameters, i32 1, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.i32, ptr @n.i32 }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.parameters = private constant [11 x i8] c"parameters\00"
define internal i32 @parameters(i32 %a, i32 %b) {
  ret i32 0
}
@entry.not-a-name = internal constant { ptr, ptr, ptr, i32, [8 x { ptr, ptr }] } { ptr @name.not-a-name, ptr @help, ptr @not_a_name, i32 1, [8 x { ptr, ptr }] [{ ptr, ptr } { ptr @t.i32, ptr @n.i32 }, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer, { ptr, ptr } zeroinitializer] }, section ".gpufas.entries"
@name.not-a-name = private constant [11 x i8] c"not-a-name\00"
define internal i32 @not_a_name(i32 %a) {
  ret i32 0
}
@entry.text = internal constant [4 x i8] c"what", section ".gpufas.entries"
; CHECK-DAG: error: `entry.count` in section .gpufas.entries is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h
; CHECK-DAG: error: `entry.type` in section .gpufas.entries is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h
; CHECK-DAG: error: `entry.parameters` in section .gpufas.entries is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h
; CHECK-DAG: error: `entry.not-a-name` in section .gpufas.entries is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h
; CHECK-DAG: error: `entry.text` in section .gpufas.entries is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h
