; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes kernel-asm,kernel-symbols,optimize,reachability,symbol-table,llview,retarget --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=CODE
; RUN: gpufas-cc --passes kernel-asm,kernel-symbols,optimize,reachability --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=REACH
; Pointers relative to %gs by their type (__seg_gs): what they point to is this CPU's copy, never what is at the bare
; offset. A conversion to another pointer keeps the bits.

@counter = external global i32
@declared = external addrspace(256) global { i64, i32 }

; CHECK: @declared = external global { i64, i32 }
; CODE-NOT: addrspace(256)
; REACH-NOT: addrspacecast

; CHECK-LABEL: @load(
; CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset
; CHECK: [[ADDRESS:%.*]] = add i64 ptrtoint (ptr @counter to i64), [[OFFSET]]
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: load volatile i32, ptr [[POINTER]]
define i32 @load() {
  %value = load volatile i32, ptr addrspace(256) addrspacecast (ptr @counter to ptr addrspace(256)), align 4
  ret i32 %value
}

; CHECK-LABEL: @constant(
; CHECK: add i64 ptrtoint (ptr inttoptr (i64 40 to ptr) to i64),
; CHECK: load i64, ptr %
; CODE-LABEL: @constant(
; CODE: load i64, ptr {{.*}}gpufas_context
; CODE: call ptr @gpufas_translate_load
define i64 @constant() {
  %value = load i64, ptr addrspace(256) inttoptr (i64 40 to ptr addrspace(256)), align 8
  ret i64 %value
}

; CHECK-LABEL: @field(
; CHECK: add i64 ptrtoint ({{.*}}@declared{{.*}}
; CHECK: store i32 %value, ptr %
define void @field(i32 %value) {
  store i32 %value, ptr addrspace(256) getelementptr ({ i64, i32 }, ptr addrspace(256) @declared, i32 0, i32 1)
  ret void
}

; CHECK-LABEL: @update(
; CHECK: atomicrmw add ptr %
; CHECK: cmpxchg ptr %
define void @update(ptr addrspace(256) %p) {
  %old = atomicrmw add ptr addrspace(256) %p, i32 1 monotonic
  %pair = cmpxchg ptr addrspace(256) %p, i32 1, i32 2 monotonic monotonic
  ret void
}

; CHECK-LABEL: @step(
; CHECK: [[FLAT:%.*]] = inttoptr i64 {{%.*}} to ptr
; CHECK: getelementptr i64, ptr [[FLAT]], i64 %index
; CHECK: load i64, ptr %
define i64 @step(ptr addrspace(256) %p, i64 %index) {
  %q = getelementptr i64, ptr addrspace(256) %p, i64 %index
  %value = load i64, ptr addrspace(256) %q
  ret i64 %value
}

; CHECK-LABEL: @copy(
; CHECK: call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %{{.*}}, i64 24, i1 false)
define void @copy(ptr %to, ptr addrspace(256) %from) {
  call void @llvm.memcpy.p0.p256.i64(ptr %to, ptr addrspace(256) %from, i64 24, i1 false)
  ret void
}
declare void @llvm.memcpy.p0.p256.i64(ptr, ptr addrspace(256), i64, i1)

; Its own address.
; CHECK-LABEL: @same_bits(
; CHECK-NOT: addrspacecast
; CHECK-NOT: @gpufas.cpu_offset
; CHECK: ret ptr
define ptr @same_bits(ptr %p) {
  %relative = addrspacecast ptr %p to ptr addrspace(256)
  %again = addrspacecast ptr addrspace(256) %relative to ptr
  ret ptr %again
}

; From one segment to the other likewise.
; CHECK-LABEL: @other_segment(
; CHECK-NOT: addrspacecast
; CHECK: ret ptr addrspace(257)
define ptr addrspace(257) @other_segment(ptr addrspace(256) %p) {
  %other = addrspacecast ptr addrspace(256) %p to ptr addrspace(257)
  %back = addrspacecast ptr addrspace(257) %other to ptr addrspace(256)
  %again = addrspacecast ptr addrspace(256) %back to ptr addrspace(257)
  ret ptr addrspace(257) %again
}

; The prefix comes from the type of the operand.
; CHECK-LABEL: @assembly(
; CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset
; CHECK: [[ADDRESS:%.*]] = add i64 ptrtoint (ptr @counter to i64), [[OFFSET]]
; CHECK: [[POINTER:%.*]] = inttoptr i64 [[ADDRESS]] to ptr
; CHECK: atomicrmw add ptr [[POINTER]], i32 1 monotonic
define void @assembly() {
  call void asm sideeffect "incl $0", "=*m,*m"(ptr addrspace(256) elementtype(i32) addrspacecast (ptr @counter to ptr addrspace(256)), ptr addrspace(256) elementtype(i32) addrspacecast (ptr @counter to ptr addrspace(256)))
  ret void
}

; `current` of 7.2: the address of such a variable in the text.
; CHECK-LABEL: @text(
; CHECK-NOT: refused
; CHECK: ret i64
define i64 @text() {
  %r = call i64 asm "movq %gs:${1:a}, $0", "=r,i"(ptr addrspace(256) addrspacecast (ptr @counter to ptr addrspace(256)))
  ret i64 %r
}
