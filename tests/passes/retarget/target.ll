; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefixes=CHECK,CUDA
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefixes=CHECK,HOST
; Triple and data layout are the target's; an entry point is a kernel of the GPU, and a C function on the host;
; everything else is internal.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-none"

; CUDA: target triple = "nvptx64-nvidia-cuda"
; HOST: target triple = "x86_64-unknown-linux-gnu"
; CUDA: define ptx_kernel void @gpufas_entry_go()
; HOST: define void @gpufas_entry_go()
define void @gpufas_entry_go() {
  call void @helper()
  ret void
}
; CHECK: define internal void @helper()
define void @helper() {
  ret void
}
; CHECK: declare void @gpufas_finish(i64)
declare void @gpufas_finish(i64)
