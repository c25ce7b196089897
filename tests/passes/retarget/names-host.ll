; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target host --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; The host's linker takes any name.

; CHECK: @a.b = internal global i32 1
@a.b = internal global i32 1
