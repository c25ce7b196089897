; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; What was meant for the CPU of the kernel goes: a code generator for a GPU does not understand it, and
; functions that differ in it are not inlined into each other. The rest stays.

; CHECK: define internal void @f() #[[ATTRIBUTES:[0-9]+]] {
define void @f() #0 {
  ret void
}
attributes #0 = { noinline noredzone nounwind nocf_check null_pointer_is_valid sspstrong uwtable fn_ret_thunk_extern "target-cpu"="x86-64" "target-features"="-sse" "tune-cpu"="generic" "frame-pointer"="all" "stack-protector-buffer-size"="8" "no-trapping-math"="true" "patchable-function"="prologue-short-redirect" "warn-stack-size"="2048" "fentry-call"="true" "patchable-function-entry"="4" "zero-call-used-regs"="used-gpr" }

; No call of a library's function may be made of loops any more.
; CHECK: attributes #[[ATTRIBUTES]] = { noinline nounwind null_pointer_is_valid "no-builtins" }
