; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc -g --passes layout --emit llvm-ir %s -o - | FileCheck-22 %s
; An address of a structure that no debug information describes may be a constant, which is at no place in the source.

%struct.unknown = type { i32, [4 x i64] }
@variable = external global %struct.unknown

; CHECK-LABEL: define i64 @use(
define i64 @use() !dbg !4 {
  %v = load i64, ptr getelementptr inbounds (%struct.unknown, ptr @variable, i32 0, i32 1, i32 2), !dbg !7
  ret i64 %v, !dbg !7
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!3}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug)
!1 = !DIFile(filename: "a.c", directory: "/")
!3 = !{i32 2, !"Debug Info Version", i32 3}
!4 = distinct !DISubprogram(name: "use", scope: !1, file: !1, line: 1, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DISubroutineType(types: !6)
!6 = !{}
!7 = !DILocation(line: 2, scope: !4)
