; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What printk() cannot print is an error at its place, and not left out.

@format = private constant [3 x i8] c"%f\00"
declare i32 @_printk(ptr, ...)

; CHECK: f.c:7:3: error: printk() of something that is neither an integer of at most 64 bits nor a pointer
; CHECK: f.c:8:3: error: printk() of something
define void @print(double %number, i128 %wide) !dbg !4 {
  %a = call i32 (ptr, ...) @_printk(ptr @format, double %number), !dbg !5
  %b = call i32 (ptr, ...) @_printk(ptr @format, i128 %wide), !dbg !6
  ret void
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "print", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DILocation(line: 7, column: 3, scope: !4)
!6 = !DILocation(line: 8, column: 3, scope: !4)
