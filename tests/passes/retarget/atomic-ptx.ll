; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --kernel-headers %kernel -c --emit ptx --gpu-arch sm_90 %s -o - | FileCheck-22 %s
; LLVM writes atomic operations of PTX without a scope, which then order nothing beyond the GPU. So there is none, on the kernel's memory
; or the program's own: an access of its width between fences over the whole system; and loads and stores that order others do so
; over the whole system.

@own = internal global i32 0

; CHECK-NOT: atom.
; CHECK-LABEL: .func {{.*}}kernels(
; CHECK: fence.sc.sys;
; CHECK: ld.volatile.b32
; CHECK: st.volatile.b32
; CHECK: fence.sc.sys;
; CHECK: ret;
define i32 @kernels(ptr %p) {
  %old = atomicrmw add ptr %p, i32 1 seq_cst
  ret i32 %old
}

; CHECK-LABEL: .func {{.*}}programs(
; CHECK: fence.sc.sys;
; CHECK: ld.volatile.global.b32 {{.*}}own
; CHECK: st.volatile.global.b32 {{.*}}own
; CHECK: fence.sc.sys;
; CHECK: ret;
define i32 @programs() {
  %old = atomicrmw add ptr @own, i32 1 seq_cst
  ret i32 %old
}

; 128 bits at a time need PTX 8.7 for an atomic operation.
; CHECK-LABEL: .func {{.*}}exchange(
; CHECK-NOT: cas
; CHECK: ret;
define i1 @exchange(ptr %p, i128 %old, i128 %new) {
  %pair = cmpxchg ptr %p, i128 %old, i128 %new seq_cst seq_cst
  %equal = extractvalue { i128, i1 } %pair, 1
  ret i1 %equal
}

; CHECK-LABEL: .func {{.*}}ordered(
; CHECK: ld.acquire.sys.b64
; CHECK: st.release.sys.b64
define void @ordered(ptr %p, ptr %q) {
  %v = load atomic i64, ptr %p acquire, align 8
  store atomic i64 %v, ptr %q release, align 8
  ret void
}
; CHECK-NOT: atom.
