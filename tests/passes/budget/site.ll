; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes budget --emit llvm-ir %s -o - | FileCheck-22 %s
; The report names the loop: the place is that of the branch at its head, and inserted calls have a location.

; CHECK-LABEL: @f(
; CHECK: {{^}}loop:
; CHECK: call void @gpufas_count(i32 2), !dbg [[AT:![0-9]+]]
; CHECK: {{^}}again:
; CHECK: call void @gpufas_count(i32 1), !dbg
; CHECK: [[AT]] = !DILocation(line: 7, column: 3,
define void @f(i1 %more) !dbg !4 {
entry:
  br label %loop
loop:
  br i1 %more, label %loop, label %again, !dbg !5
again:
  br i1 %more, label %again, label %end, !dbg !6
end:
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
!6 = !DILocation(line: 8, column: 3, scope: !4)
