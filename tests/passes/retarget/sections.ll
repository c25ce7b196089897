; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --target cuda --passes retarget --emit llvm-ir %s -o - | FileCheck-22 %s
; Sections of the kernel's image mean nothing.

; CHECK: @table = internal global i32 0{{$}}
@table = internal global i32 0, section ".data..read_mostly"
; CHECK: define internal void @f(){{.*}}{
; CHECK-NOT: section ".init.text"
define void @f() section ".init.text" {
  ret void
}
