; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-asm --emit llvm-ir %s -o - | FileCheck-22 %s
; A call without a location in a function with one could not be inlined once the runtime is linked in.

; CHECK-LABEL: @f(
; CHECK: call void @gpufas.bug(), !dbg [[AT:![0-9]+]]
; CHECK: [[AT]] = !DILocation(line: 0, scope: [[F:![0-9]+]])
define void @f() !dbg !4 {
  unreachable
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "f", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
