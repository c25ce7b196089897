; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - | FileCheck-22 %s
; Faults and stores name places in the source: one number for each place, with where it was inlined; calls keep
; the location of the access.

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: @f(
; CHECK: call ptr @gpufas_translate_load(i64 {{%.*}}, i64 4, i32 1), !dbg [[FIRST:![0-9]+]]
; CHECK: call ptr @gpufas_translate_store(i64 {{%.*}}, i64 4, i32 1), !dbg [[FIRST]]
; CHECK: call ptr @gpufas_translate_load(i64 {{%.*}}, i64 4, i32 2), !dbg [[SECOND:![0-9]+]]
; CHECK: call ptr @gpufas_translate_load(i64 {{%.*}}, i64 4, i32 3), !dbg [[INLINED:![0-9]+]]
define void @f(ptr %p) !dbg !4 {
  %a = load i32, ptr %p, !dbg !5
  store i32 %a, ptr %p, !dbg !5
  %b = load i32, ptr %p, !dbg !6
  %c = load i32, ptr %p, !dbg !8
  ret void
}

; Without a location there is at least the function, and the call can be inlined.
; CHECK-LABEL: @merged(
; CHECK: call ptr @gpufas_translate_load(i64 {{%.*}}, i64 4, i32 4), !dbg [[NOWHERE:![0-9]+]]
; CHECK-DAG: [[FIRST]] = !DILocation(line: 7, column: 3,
; CHECK-DAG: [[SECOND]] = !DILocation(line: 8, column: 3,
; CHECK-DAG: [[INLINED]] = !DILocation(line: 2, column: 1, {{.*}}inlinedAt:
; CHECK-DAG: [[NOWHERE]] = !DILocation(line: 0, scope:
define void @merged(ptr %p) !dbg !9 {
  %a = load i32, ptr %p
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
!7 = distinct !DISubprogram(name: "inner", file: !1, line: 1, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!8 = !DILocation(line: 2, column: 1, scope: !7, inlinedAt: !10)
!9 = distinct !DISubprogram(name: "merged", file: !1, line: 20, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!10 = distinct !DILocation(line: 9, column: 3, scope: !4)
