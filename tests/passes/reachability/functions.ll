; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; A function that is defined nowhere cannot be called, and the report says where and through which calls; what
; the runtime has in its place can.

declare void @schedule()
declare i64 @strlen(ptr)
declare ptr @memcpy(ptr, ptr, i64)
declare i32 @gpufas.print(ptr, ptr, i32)
declare i64 @llvm.ctpop.i64(i64)

; CHECK: f.c:7:3: error: call of `schedule`, which is not defined
; CHECK-DAG: note: a recovery program is no task of the kernel's that could sleep; return -EAGAIN from the entry point to be run again a moment later
; CHECK-DAG: f.c:20:2: note: in `inner`, called from `outer` here
; CHECK: 1 error generated
define internal void @inner() !dbg !4 {
  call void @schedule(), !dbg !5
  ret void
}
define void @outer(ptr %p) !dbg !6 {
  call void @inner(), !dbg !7
  %a = call i64 @strlen(ptr %p), !dbg !7
  %b = call ptr @memcpy(ptr %p, ptr %p, i64 %a), !dbg !7
  %c = call i32 @gpufas.print(ptr %p, ptr %p, i32 0), !dbg !7
  %d = call i64 @llvm.ctpop.i64(i64 %a), !dbg !7
  ret void
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "inner", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DILocation(line: 7, column: 3, scope: !4)
!6 = distinct !DISubprogram(name: "outer", file: !1, line: 19, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!7 = !DILocation(line: 20, column: 2, scope: !6)
