; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - -Wno-gpufas 2>&1 | FileCheck-22 %s --check-prefix SILENT
; What can only end in a fault is a warning: fixed addresses that are not the kernel's, and places beyond own variables.

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

@own = internal global [4 x i8] zeroinitializer

; CHECK: f.c:1:1: warning: load at address 0x10, which no kernel has [-Wgpufas-invalid-address]
; CHECK-NEXT: f.c:2:1: warning: store at address 0x0, which no kernel has [-Wgpufas-invalid-address]
; CHECK-NEXT: f.c:4:1: warning: load of 2 bytes at offset 3 of the program's own `own`, which has 4 bytes [-Wgpufas-out-of-bounds]
; CHECK-NEXT: f.c:5:1: warning: atomic operation of 1 byte at offset -1 of the program's own `own`, which has 4 bytes [-Wgpufas-out-of-bounds]
; CHECK-NEXT: f.c:6:1: warning: access of 16 bytes at offset 0 of {{.*}}, which has 8 bytes [-Wgpufas-out-of-bounds]
; CHECK-NEXT: 5 warnings generated.
; SILENT-NOT: warning:
define void @f(i64 %n) !dbg !4 {
  %slot = alloca i64
  %a = load i32, ptr inttoptr (i64 16 to ptr), !dbg !5
  store i8 0, ptr null, !dbg !6
  %k = load i32, ptr inttoptr (i64 -2130706432 to ptr), !dbg !7
  %b = load i16, ptr getelementptr (i8, ptr @own, i64 3), align 1, !dbg !8
  %c = atomicrmw add ptr getelementptr (i8, ptr @own, i64 -1), i8 1 seq_cst, !dbg !9
  call void @llvm.memset.p0.i64(ptr %slot, i8 0, i64 16, i1 false), !dbg !10
  call void @llvm.memset.p0.i64(ptr %slot, i8 0, i64 %n, i1 false), !dbg !11
  %d = load i16, ptr getelementptr (i8, ptr @own, i64 2), align 1, !dbg !11
  ret void
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!4 = distinct !DISubprogram(name: "f", file: !1, line: 1, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DILocation(line: 1, column: 1, scope: !4)
!6 = !DILocation(line: 2, column: 1, scope: !4)
!7 = !DILocation(line: 3, column: 1, scope: !4)
!8 = !DILocation(line: 4, column: 1, scope: !4)
!9 = !DILocation(line: 5, column: 1, scope: !4)
!10 = !DILocation(line: 6, column: 1, scope: !4)
!11 = !DILocation(line: 7, column: 1, scope: !4)
