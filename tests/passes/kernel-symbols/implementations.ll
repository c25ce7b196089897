; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; Calls of kernel functions that a program has a version of its own of are calls of that. The address of the kernel's function
; stays an address in the kernel.

declare i32 @_raw_spin_trylock(ptr)
define i32 @gpufas_kernel__raw_spin_trylock(ptr %lock) {
  ret i32 1
}

; CHECK-LABEL: @call(
; CHECK-NEXT: call i32 @gpufas_kernel__raw_spin_trylock(ptr %lock)
define i32 @call(ptr %lock) {
  %taken = call i32 @_raw_spin_trylock(ptr %lock)
  ret i32 %taken
}

; CHECK-LABEL: @address(
; CHECK: load i64, ptr @gpufas.symbol._raw_spin_trylock
; CHECK-NOT: @gpufas_kernel__raw_spin_trylock
; CHECK: ret i1
define i1 @address(ptr %function) {
  %same = icmp eq ptr %function, @_raw_spin_trylock
  ret i1 %same
}

; What headers do to locks inline is a matter of --locks as well, however many files bring it along.
define internal void @queued_spin_unlock(ptr %lock) {
  store i8 0, ptr %lock
  ret void
}
define internal void @queued_spin_unlock.3(ptr %lock) {
  store i8 0, ptr %lock
  ret void
}
define void @gpufas_kernel_queued_spin_unlock(ptr %lock) {
  ret void
}
; CHECK-LABEL: @inline(
; CHECK-NEXT: call void @gpufas_kernel_queued_spin_unlock(ptr %lock)
; CHECK-NEXT: call void @gpufas_kernel_queued_spin_unlock(ptr %lock)
define void @inline(ptr %lock) {
  call void @queued_spin_unlock(ptr %lock)
  call void @queued_spin_unlock.3(ptr %lock)
  ret void
}

; A program's own function stays what it is.
define i32 @refcount_warn_saturate(ptr %count) {
  ret i32 7
}
define i32 @gpufas_kernel_refcount_warn_saturate(ptr %count) {
  ret i32 8
}
; CHECK-LABEL: @own(
; CHECK-NEXT: call i32 @refcount_warn_saturate(ptr %count)
define i32 @own(ptr %count) {
  %result = call i32 @refcount_warn_saturate(ptr %count)
  ret i32 %result
}

; Of another type it is another function.
declare i1 @__bitmap_equal(ptr, ptr, i32)
define i32 @gpufas_kernel___bitmap_equal(ptr %a, ptr %b, i32 %bits) {
  ret i32 1
}
; CHECK-LABEL: @other_type(
; CHECK-NEXT: call i1 @__bitmap_equal(
define i1 @other_type(ptr %a, ptr %b) {
  %equal = call i1 @__bitmap_equal(ptr %a, ptr %b, i32 8)
  ret i1 %equal
}
