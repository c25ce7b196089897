; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A fault names the place in the source, so everything that is made of a statement has its location.

; CHECK-LABEL: @f(
; CHECK: atomicrmw add ptr %counter, i32 1 seq_cst, align 4, !dbg [[AT:![0-9]+]]
; CHECK: call void @gpufas.refused(ptr @gpufas.reason), !dbg [[THERE:![0-9]+]]
; CHECK-DAG: [[AT]] = !DILocation(line: 7, column: 3,
; CHECK-DAG: [[THERE]] = !DILocation(line: 8, column: 5,
define void @f(ptr %counter) !dbg !4 {
  call void asm sideeffect "lock; incl $0", "=*m,*m"(ptr elementtype(i32) %counter, ptr elementtype(i32) %counter), !dbg !5
  call void asm sideeffect "hlt", ""(), !dbg !6
  ret void
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "f", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DILocation(line: 7, column: 3, scope: !4)
!6 = !DILocation(line: 8, column: 5, scope: !4)
