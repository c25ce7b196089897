; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; Assembly that kernel-asm refused is an error where it can still be reached, with the reason, the place, and
; where that was inlined.

@gpufas.reason = private constant [5 x i8] c"cli!\00"
declare void @gpufas.refused(ptr)
declare i64 @gpufas.refused.i64(ptr)

; CHECK-DAG: irq.h:3:9: error: inline assembly that has no meaning in a recovery program: cli!
; CHECK-DAG: f.c:7:3: note: in `irq_disable`, called from `f` here
; CHECK-DAG: f.c:7:3: error: inline assembly that has no meaning in a recovery program: cli!
; CHECK-DAG: f.c:9:3: error: inline assembly that has no meaning in a recovery program: cli!
; CHECK: 3 errors generated

; One call that the optimiser made of two.
define i64 @merged(i1 %which) !dbg !9 {
  %reason = select i1 %which, ptr @gpufas.reason, ptr @other
  %a = call i64 @gpufas.refused.i64(ptr %reason), !dbg !10
  ret i64 %a
}
@other = private constant [5 x i8] c"sti!\00"
define i64 @f() !dbg !4 {
  call void @gpufas.refused(ptr @gpufas.reason), !dbg !8
  %a = call i64 @gpufas.refused.i64(ptr @gpufas.reason), !dbg !5
  ret i64 %a
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "f", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = distinct !DILocation(line: 7, column: 3, scope: !4)
!6 = !DIFile(filename: "irq.h", directory: "/")
!7 = distinct !DISubprogram(name: "irq_disable", file: !6, line: 2, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!8 = !DILocation(line: 3, column: 9, scope: !7, inlinedAt: !5)
!9 = distinct !DISubprogram(name: "merged", file: !1, line: 8, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!10 = !DILocation(line: 9, column: 3, scope: !9)
