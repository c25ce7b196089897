; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; RUN: gpufas-cc --passes retarget --target host --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=HOST
; An atomic operation that does not become a load and a store would order nothing on a GPU, so it is an error there.

target triple = "x86_64-unknown-linux-gnu"

; CHECK: error: an atomic operation on this type, or of this kind, has no ordered form on a GPU
; HOST: atomicrmw fadd
; HOST: atomicrmw uinc_wrap
define i32 @kinds(ptr %p) {
  %number = atomicrmw fadd ptr %p, float 1.0 seq_cst
  %wrapping = atomicrmw uinc_wrap ptr %p, i32 7 seq_cst
  ret i32 %wrapping
}
