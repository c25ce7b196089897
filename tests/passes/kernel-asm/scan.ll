; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; Of 0, bsf and bsr leave their destination as it is, which ffs() and fls() use; and rep; bsf is a count of
; zeros.

; CHECK-LABEL: @ffs(
; CHECK: [[ZERO:%.*]] = icmp eq i32 %x, 0
; CHECK: [[COUNT:%.*]] = call i32 @llvm.cttz.i32(i32 %x, i1 false)
; CHECK: select i1 [[ZERO]], i32 -1, i32 [[COUNT]]
define i32 @ffs(i32 %x) {
  %r = call i32 asm "bsfl $1,$0", "=r,rm,0"(i32 %x, i32 -1)
  ret i32 %r
}

; CHECK-LABEL: @fls64(
; CHECK: [[ZERO:%.*]] = icmp eq i64 %x, 0
; CHECK: [[LEADING:%.*]] = call i64 @llvm.ctlz.i64(i64 %x, i1 false)
; CHECK: [[PLACE:%.*]] = sub i64 63, [[LEADING]]
; CHECK: [[FOUND:%.*]] = select i1 [[ZERO]], i64 {{.*}}, i64 [[PLACE]]
; CHECK: [[NARROW:%.*]] = trunc i64 [[FOUND]] to i32
; CHECK: ret i32 [[NARROW]]
define i32 @fls64(i64 %x) {
  %r = call i32 asm "bsrq $1,${0:q}", "=r,rm,0"(i64 %x, i32 -1)
  ret i32 %r
}

; CHECK-LABEL: @first_bit(
; CHECK: [[COUNT:%.*]] = call i64 @llvm.cttz.i64(i64 %x, i1 false)
; CHECK: ret i64 [[COUNT]]
define i64 @first_bit(i64 %x) {
  %r = call i64 asm "rep; bsf $1,$0", "=r,rm"(i64 %x)
  ret i64 %r
}

; `rep; bsr` is another instruction than bsr on CPUs that have lzcnt.
; CHECK-LABEL: @repeated_bsr(
; CHECK-NEXT: call i64 @gpufas.refused.i64(
define i64 @repeated_bsr(i64 %x) {
  %r = call i64 asm "rep; bsr $1,$0", "=r,rm"(i64 %x)
  ret i64 %r
}
