; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What LLVM has merged of two places has line 0 in the function that both were in. Its place is where that was inlined, and is
; line 0 only if nothing more is known.

; CHECK: f.c:9:3: warning: load at address 0x10, which no kernel has
; CHECK: f.c: warning: load at address 0x18, which no kernel has
define void @f() !dbg !4 {
  %a = load i32, ptr inttoptr (i64 16 to ptr), !dbg !6
  %b = load i32, ptr inttoptr (i64 24 to ptr), !dbg !7
  ret void
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "f", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = distinct !DISubprogram(name: "inner", file: !8, line: 1, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!6 = !DILocation(line: 0, scope: !5, inlinedAt: !9)
!7 = !DILocation(line: 0, scope: !4)
!8 = !DIFile(filename: "inner.h", directory: "/")
!9 = distinct !DILocation(line: 9, column: 3, scope: !4)
