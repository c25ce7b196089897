; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
; Repeated instructions become one call of memset() or memmove() where that is the same, else a loop.

; CHECK-LABEL: @fill(
; CHECK: call void @llvm.memset.p0.i64(ptr {{.*}}%to, i8 %byte, i64 %count, i1 false)
; CHECK: add i64 %count,
; CHECK: ret ptr
define ptr @fill(ptr %to, i8 %byte, i64 %count) {
  %r = call { ptr, i64 } asm sideeffect "rep stosb", "={di},={cx},{ax},0,1,~{memory}"(i8 %byte, ptr %to, i64 %count)
  %end = extractvalue { ptr, i64 } %r, 0
  ret ptr %end
}

; Whether all bytes are the same is seen at run time, if not before.
; CHECK-LABEL: @fill_words(
; CHECK: [[SAME:%.*]] = mul {{.*}}i64 {{.*}}, 72340172838076673
; CHECK: icmp eq i64 [[SAME]], %word
; CHECK-DAG: call void @llvm.memset.p0.i64(
; CHECK-DAG: store volatile i64 %word, ptr {{%.*}}, align 8
; CHECK: ret void
define void @fill_words(ptr %to, i64 %word, i64 %count) {
  call { i64, ptr } asm sideeffect "rep\0A\09stosq", "=&{cx},=&{di},{ax},1,0,~{memory}"(i64 %word, ptr %to, i64 %count)
  ret void
}

; CHECK-LABEL: @fill_zero(
; CHECK: call void @llvm.memset.p0.i64(ptr {{.*}}%to, i8 0, i64 %{{.*}}, i1 false)
; CHECK-NOT: store
; CHECK: ret void
define void @fill_zero(ptr %to, i64 %count) {
  call { i64, ptr } asm sideeffect "rep stosl", "=&{cx},=&{di},{ax},1,0,~{memory}"(i32 0, ptr %to, i64 %count)
  ret void
}

; Where the destination begins inside the source, each element is copied after the one before it was stored.
; CHECK-LABEL: @move(
; CHECK-DAG: call void @llvm.memmove.p0.p0.i64(ptr {{.*}}%to, ptr {{.*}}%from, i64 [[BYTES:%.*]], i1 false)
; CHECK-DAG: [[PRODUCT:%.*]] = shl i64 {{%.*}}, 2
; CHECK-DAG: [[BYTES]] = select i1 {{%.*}}, i64 -1, i64 [[PRODUCT]]
; CHECK-DAG: load volatile i32, ptr {{%.*}}, align 4
; CHECK-DAG: store volatile i32 {{%.*}}, ptr {{%.*}}, align 4
; CHECK: ret void
define void @move(ptr %to, ptr %from, i64 %count) {
  call { ptr, ptr, i64 } asm sideeffect "rep movsl", "={di},={si},={cx},0,1,2,~{memory}"(ptr %to, ptr %from, i64 %count)
  ret void
}

; clear_page() of 6.1: whichever function the kernel takes, a page becomes zero.
; CHECK-LABEL: @clear_page(
; CHECK: call void @llvm.memset.p0.i64(ptr {{.*}}%page, i8 0, i64 4096, i1 false)
declare void @clear_page_orig()
declare void @clear_page_rep()
declare void @clear_page_erms()
define void @clear_page(ptr %page) {
  call ptr asm sideeffect "661:\0A\09call ${1:P}\0A662:\0A.pushsection .altinstructions,\22a\22\0A .long 661b - .\0A .long 6641f - .\0A .word ( 3*32+16)\0A .byte 663b-661b\0A .long 661b - .\0A .long 6642f - .\0A .word ( 9*32+ 9)\0A .byte 663b-661b\0A.popsection\0A.pushsection .altinstr_replacement, \22ax\22\0A6641:\0A\09call ${2:P}\0A6651:\0A6642:\0A\09call ${3:P}\0A6652:\0A.popsection\0A", "={di},i,i,i,0,~{memory},~{rax},~{rcx}"(ptr @clear_page_orig, ptr @clear_page_rep, ptr @clear_page_erms, ptr %page)
  ret void
}

; CHECK-NOT: gpufas.refused
