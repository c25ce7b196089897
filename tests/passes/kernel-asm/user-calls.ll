; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; get_user() and put_user() by a function fault, as user addresses are never translated: -EFAULT and no value.

; CHECK-LABEL: @get(
; CHECK-NEXT: ret { i32, i64 } { i32 -14, i64 0 }
define { i32, i64 } @get(ptr %at) {
  %r = call { i32, i64 } asm sideeffect "call __get_user_${3:P}", "={ax},={rdx},0,i"(ptr %at, i64 8)
  ret { i32, i64 } %r
}

; CHECK-LABEL: @put(
; CHECK: ret i32 -14
define i32 @put(ptr %at, i32 %value) {
  %r = call i32 asm sideeffect "call __put_user_nocheck_${3:c}", "={cx},0,{rax},i,~{ebx}"(ptr %at, i32 %value, i64 4)
  ret i32 %r
}

; Of another size there is none.
; CHECK-LABEL: @other(
; CHECK: call void @gpufas.refused(
define { i32, i64 } @other(ptr %at) {
  %r = call { i32, i64 } asm sideeffect "call __get_user_${3:c}", "={ax},={rdx},0,i"(ptr %at, i64 3)
  ret { i32, i64 } %r
}
