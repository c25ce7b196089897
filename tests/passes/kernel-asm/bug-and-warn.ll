; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; BUG() ends the program; after WARN() the kernel goes on, and so does the program, with a line in its log. Both are the
; same instruction with other flags.

@file = private constant [4 x i8] c"x.c\00"

; CHECK-LABEL: @bug(
; CHECK-NEXT: call void @gpufas.bug()
; CHECK-NEXT: unreachable
define void @bug() {
  call void asm sideeffect "1:\09.byte 0x0f, 0x0b\0A.pushsection __bug_table,\22aw\22\0A2:\09.long 1b - .\09# bug_entry::bug_addr\0A\09.long ${0:c} - .\09# bug_entry::file\0A\09.word ${1:c}\09# bug_entry::line\0A\09.word ${2:c}\09# bug_entry::flags\0A\09.org 2b+${3:c}\0A.popsection\0A", "i,i,i,i"(ptr @file, i32 12, i32 0, i64 12)
  unreachable
}

; CHECK-LABEL: @warn(
; CHECK-NEXT: call void @gpufas.warn(ptr null)
; CHECK-NEXT: ret void
define void @warn() {
  call void asm sideeffect "1:\09.byte 0x0f, 0x0b\0A.pushsection __bug_table,\22aw\22\0A2:\09.long 1b - .\09# bug_entry::bug_addr\0A\09.long ${0:c} - .\09# bug_entry::file\0A\09.word ${1:c}\09# bug_entry::line\0A\09.word ${2:c}\09# bug_entry::flags\0A\09.org 2b+${3:c}\0A.popsection\0A998:\0A\09.pushsection .discard.reachable\0A\09.long 998b - .\0A\09.popsection\0A\09", "i,i,i,i"(ptr @file, i32 12, i32 2305, i64 12)
  ret void
}

; As clang leaves the flags before optimisation.
; CHECK-LABEL: @warn_with_flags_in_a_variable(
; CHECK: call void @gpufas.warn(ptr null)
; CHECK: ret void
define void @warn_with_flags_in_a_variable() {
  %flags = alloca i32, align 4
  call void @llvm.lifetime.start.p0(ptr %flags)
  store i32 2305, ptr %flags, align 4
  %value = load i32, ptr %flags, align 4
  call void asm sideeffect "1:\09.byte 0x0f, 0x0b\0A.pushsection __bug_table,\22aw\22\0A2:\09.long 1b - .\09# bug_entry::bug_addr\0A\09.long ${0:c} - .\09# bug_entry::file\0A\09.word ${1:c}\09# bug_entry::line\0A\09.word ${2:c}\09# bug_entry::flags\0A\09.org 2b+${3:c}\0A.popsection\0A998:\0A\09.pushsection .discard.reachable\0A\09.long 998b - .\0A\09.popsection\0A\09", "i,i,i,i"(ptr @file, i32 12, i32 %value, i64 12)
  call void @llvm.lifetime.end.p0(ptr %flags)
  ret void
}

; It may be either.
; CHECK-LABEL: @flags_that_change(
; CHECK: call void @gpufas.refused(
define void @flags_that_change(i32 %other) {
  %flags = alloca i32, align 4
  store i32 2305, ptr %flags, align 4
  store i32 %other, ptr %flags, align 4
  %value = load i32, ptr %flags, align 4
  call void asm sideeffect "1:\09.byte 0x0f, 0x0b\0A.pushsection __bug_table,\22aw\22\0A2:\09.long 1b - .\09# bug_entry::bug_addr\0A\09.long ${0:c} - .\09# bug_entry::file\0A\09.word ${1:c}\09# bug_entry::line\0A\09.word ${2:c}\09# bug_entry::flags\0A\09.org 2b+${3:c}\0A.popsection\0A", "i,i,i,i"(ptr @file, i32 12, i32 %value, i64 12)
  ret void
}

; WARN_ON_ONCE() has another flag.
; CHECK-LABEL: @warn_once(
; CHECK-NEXT: call void @gpufas.warn(ptr {{(nonnull )?}}@gpufas.warned)
define void @warn_once() {
  call void asm sideeffect "1:\09.byte 0x0f, 0x0b\0A.pushsection __bug_table,\22aw\22\0A2:\09.long 1b - .\09# bug_entry::bug_addr\0A\09.long ${0:c} - .\09# bug_entry::file\0A\09.word ${1:c}\09# bug_entry::line\0A\09.word ${2:c}\09# bug_entry::flags\0A\09.org 2b+${3:c}\0A.popsection\0A", "i,i,i,i"(ptr @file, i32 12, i32 2307, i64 12)
  ret void
}

; With a text, from 6.19 on.
; CHECK-LABEL: @warn_with_text(
; CHECK-NEXT: call void @gpufas.warn(ptr null)
; CHECK-NEXT: ret ptr null
define ptr @warn_with_text() {
  %entry = call ptr asm sideeffect "lea (2f)(%rip), $0\0A1:\0A.pushsection __bug_table,\22aw\22\0A\09912: .pushsection .discard.annotate_data, \22M\22, @progbits, 8; .long 912b - ., 1; .popsection\0A\092:\0A\09.long 1b - .\0A\09.word ${2:c}\0A\09.word ${3:c}\0A\09.org 2b + ${4:c}\0A.popsection\0A", "=r,i,i,i,i"(ptr @file, i32 12, i32 2305, i64 16)
  ret ptr %entry
}

; CHECK: declare void @gpufas.bug() #[[ATTRIBUTES:[0-9]+]]
; CHECK: attributes #[[ATTRIBUTES]] = { cold nomerge noreturn nounwind }
