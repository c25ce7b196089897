; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes reachability --emit llvm-ir %s -o - 2>&1 | FileCheck %s
; What cannot be in a recovery program at all, each with its reason.

; CHECK: error: a call through a function pointer cannot be followed
define void @pointer(ptr %p) {
  call void %p()
  ret void
}

; CHECK: error: inline assembly that kernel-asm has not seen
define void @asm() {
  call void asm sideeffect "nop", ""()
  ret void
}

; CHECK: error: a computed goto cannot be part of a recovery program
define void @goto(ptr %p) {
  indirectbr ptr %p, []
}

; CHECK: error: a recovery program has no register of the failing system's CPUs
define void @register() {
  %r = call i64 @llvm.read_register.i64(metadata !99)
  ret void
}

; CHECK: error: a recovery program has no register of the failing system's CPUs
define void @half_register() {
  %r = call i32 @llvm.read_register.i32(metadata !98)
  ret void
}

; CHECK: error: a recovery program has no register of the failing system's CPUs
define void @write_register() {
  call void @llvm.write_register.i64(metadata !99, i64 0)
  ret void
}

; CHECK: error: a recovery program has no stack frame of the kernel
define void @return_address() {
  %r = call ptr @llvm.returnaddress(i32 0)
  ret void
}

; CHECK: error: a recovery program has no stack frame of the kernel
define void @frame_address() {
  %r = call ptr @llvm.frameaddress.p0(i32 0)
  ret void
}

; CHECK: error: a function with variable arguments cannot be defined in a recovery program
define void @variable_arguments(ptr %p, ...) {
  call void @llvm.va_start.p0(ptr %p)
  ret void
}

; CHECK: error: a function with variable arguments cannot be defined in a recovery program
define void @va_arg(ptr %p) {
  %r = va_arg ptr %p, i32
  ret void
}

; CHECK: error: an array whose size is known only at run time would overflow the stack
define void @array_of_any_size(i64 %n) {
  %r = alloca i8, i64 %n
  ret void
}

; CHECK: error: `llvm.x86.rdtsc` is an operation that a recovery program cannot have
define void @cpu() {
  %r = call i64 @llvm.x86.rdtsc()
  ret void
}

; CHECK: error: `llvm.masked.load.v4i32.p0` is an operation that a recovery program cannot have
define void @masked(ptr %p) {
  %r = call <4 x i32> @llvm.masked.load.v4i32.p0(ptr %p, <4 x i1> zeroinitializer, <4 x i32> zeroinitializer)
  ret void
}

; CHECK: error: `llvm.masked.gather.v2i32.v2p0` is an operation that a recovery program cannot have
define void @gather() {
  %r = call <2 x i32> @llvm.masked.gather.v2i32.v2p0(<2 x ptr> zeroinitializer, <2 x i1> zeroinitializer, <2 x i32> zeroinitializer)
  ret void
}

; CHECK: error: `llvm.experimental.memset.pattern.p0.i64.i64` is an operation that a recovery program cannot have
define void @pattern(ptr %p) {
  call void @llvm.experimental.memset.pattern.p0.i64.i64(ptr %p, i64 1, i64 9, i1 false)
  ret void
}

; CHECK: error: memory of an address space of its own, as per-CPU variables of "this CPU", is not the kernel's
define void @per_cpu(ptr addrspace(256) %p) {
  %r = load i32, ptr addrspace(256) %p
  ret void
}

; CHECK: error: memory of an address space of its own
define void @store_per_cpu(ptr addrspace(256) %p) {
  store i32 1, ptr addrspace(256) %p
  ret void
}

; CHECK: error: a division of vectors cannot be checked
define void @vectors(<2 x i32> %p) {
  %r = udiv <2 x i32> %p, %p
  ret void
}

declare i64 @llvm.read_register.i64(metadata)
declare i32 @llvm.read_register.i32(metadata)
declare void @llvm.write_register.i64(metadata, i64)
declare ptr @llvm.returnaddress(i32)
declare ptr @llvm.frameaddress.p0(i32)
declare void @llvm.va_start.p0(ptr)
declare i64 @llvm.x86.rdtsc()
declare <4 x i32> @llvm.masked.load.v4i32.p0(ptr, <4 x i1>, <4 x i32>)
declare <2 x i32> @llvm.masked.gather.v2i32.v2p0(<2 x ptr>, <2 x i1>, <2 x i32>)
declare void @llvm.experimental.memset.pattern.p0.i64.i64(ptr, i64, i64, i1)
!99 = !{!"rsp"}
!98 = !{!"esp"}

; CHECK: 18 errors generated
