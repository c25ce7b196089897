; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; Variables and functions that are more than they seem: other names of functions, thread-local and per-CPU variables,
; functions that run before the entry point.

@alias = alias void (), ptr @f
@own = internal thread_local global i32 0
@copies = internal global i32 0, section ".data..percpu..shared_aligned"
@unused = internal global i32 0, section ".data..percpu"
@kernels = external global i32, section ".data..percpu"
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @f, ptr null }]

; CHECK-DAG: error: `alias` is an alias, which a GPU program cannot have
; CHECK-DAG: error: `own` is thread-local, which nothing in the kernel is
; CHECK-DAG: error: a function that runs before or after the entry point cannot be part of a recovery program
; CHECK-DAG: error: `copies` is a per-CPU variable of the program's own, of which no CPU has a copy
; CHECK: 4 errors generated
define void @f() {
  %1 = load i32, ptr @copies
  %2 = load i32, ptr @kernels
  ret void
}
