; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Constants that convert between address spaces, wherever they stand: only x86 code generation knows such a conversion, and none of
; them in an initial value.

@counter = external global i32
@own = internal global i32 7

; Constants that convert become numbers of the same bits between two pointers.
; CHECK: @kept = internal global [2 x ptr addrspace(256)] [ptr addrspace(256) inttoptr (i64 ptrtoint (ptr @own to i64) to ptr addrspace(256)),
@kept = internal global [2 x ptr addrspace(256)] [ptr addrspace(256) addrspacecast (ptr @own to ptr addrspace(256)), ptr addrspace(256) null]

; CHECK-LABEL: @compare(
; CHECK-NOT: addrspacecast
; CHECK: ret i1
define i1 @compare(ptr addrspace(256) %p, i1 %c) {
  %q = select i1 %c, ptr addrspace(256) addrspacecast (ptr @own to ptr addrspace(256)), ptr addrspace(256) addrspacecast (ptr @counter to ptr addrspace(256))
  %r = icmp eq ptr addrspace(256) %p, %q
  ret i1 %r
}

; One inside another.
; CHECK-LABEL: @twice(
; CHECK-NOT: addrspacecast
; CHECK: ret ptr
define ptr @twice() {
  ret ptr addrspacecast (ptr addrspace(256) getelementptr (i8, ptr addrspace(256) addrspacecast (ptr @own to ptr addrspace(256)), i64 2) to ptr)
}

; Such a pointer may be kept in memory as any other.
; CHECK-LABEL: @store_pointer(
; CHECK: store ptr addrspace(256) %p, ptr @kept
define void @store_pointer(ptr addrspace(256) %p) {
  store ptr addrspace(256) %p, ptr @kept
  ret void
}
