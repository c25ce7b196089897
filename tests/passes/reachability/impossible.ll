; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: not gpufas-cc --passes reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
; What cannot be in a recovery program at all, each with its reason.

; CHECK: f.c:1:3: error: a call through a function pointer cannot be followed
define void @pointer(ptr %p) !dbg !10 {
  call void %p(), !dbg !11
  ret void
}

; CHECK: f.c:2:3: error: inline assembly that kernel-asm has not seen
define void @asm() !dbg !12 {
  call void asm sideeffect "nop", ""(), !dbg !13
  ret void
}

; CHECK: f.c:3:3: error: a computed goto cannot be part of a recovery program
define void @goto(ptr %p) !dbg !14 {
  indirectbr ptr %p, [], !dbg !15
}

; CHECK: f.c:4:3: error: a recovery program has no register of the failing system's CPUs
define void @register() !dbg !16 {
  %r = call i64 @llvm.read_register.i64(metadata !99), !dbg !17
  ret void
}

; CHECK: f.c:5:3: error: a recovery program has no register of the failing system's CPUs
define void @half_register() !dbg !18 {
  %r = call i32 @llvm.read_register.i32(metadata !98), !dbg !19
  ret void
}

; CHECK: f.c:6:3: error: a recovery program has no register of the failing system's CPUs
define void @write_register() !dbg !20 {
  call void @llvm.write_register.i64(metadata !99, i64 0), !dbg !21
  ret void
}

; CHECK: f.c:7:3: error: a recovery program has no stack frame of the kernel
define void @return_address() !dbg !22 {
  %r = call ptr @llvm.returnaddress(i32 0), !dbg !23
  ret void
}

; CHECK: f.c:8:3: error: a recovery program has no stack frame of the kernel
define void @frame_address() !dbg !24 {
  %r = call ptr @llvm.frameaddress.p0(i32 0), !dbg !25
  ret void
}

; CHECK: f.c:9:3: error: a function with variable arguments cannot be defined in a recovery program
define void @variable_arguments(ptr %p, ...) !dbg !26 {
  call void @llvm.va_start.p0(ptr %p), !dbg !27
  ret void
}

; CHECK: f.c:10:3: error: a function with variable arguments cannot be defined in a recovery program
define void @va_arg(ptr %p) !dbg !28 {
  %r = va_arg ptr %p, i32, !dbg !29
  ret void
}

; CHECK: f.c:11:3: error: an array whose size is known only at run time would overflow the stack
define void @array_of_any_size(i64 %n) !dbg !30 {
  %r = alloca i8, i64 %n, !dbg !31
  ret void
}

; CHECK: f.c:12:3: error: `llvm.x86.rdtsc` is an operation that a recovery program cannot have
define void @cpu() !dbg !32 {
  %r = call i64 @llvm.x86.rdtsc(), !dbg !33
  ret void
}

; CHECK: f.c:13:3: error: `llvm.masked.load.v4i32.p0` is an operation that a recovery program cannot have
define void @masked(ptr %p) !dbg !34 {
  %r = call <4 x i32> @llvm.masked.load.v4i32.p0(ptr %p, <4 x i1> zeroinitializer, <4 x i32> zeroinitializer), !dbg !35
  ret void
}

; CHECK: f.c:14:3: error: `llvm.masked.gather.v2i32.v2p0` is an operation that a recovery program cannot have
define void @gather() !dbg !36 {
  %r = call <2 x i32> @llvm.masked.gather.v2i32.v2p0(<2 x ptr> zeroinitializer, <2 x i1> zeroinitializer, <2 x i32> zeroinitializer), !dbg !37
  ret void
}

; CHECK: f.c:15:3: error: `llvm.experimental.memset.pattern.p0.i64.i64` is an operation that a recovery program cannot have
define void @pattern(ptr %p) !dbg !38 {
  call void @llvm.experimental.memset.pattern.p0.i64.i64(ptr %p, i64 1, i64 9, i1 false), !dbg !39
  ret void
}

; CHECK: f.c:16:3: error: memory of an address space of its own, as per-CPU variables of "this CPU", is not the kernel's
define void @per_cpu(ptr addrspace(256) %p) !dbg !40 {
  %r = load i32, ptr addrspace(256) %p, !dbg !41
  ret void
}

; CHECK: f.c:17:3: error: memory of an address space of its own
define void @store_per_cpu(ptr addrspace(256) %p) !dbg !42 {
  store i32 1, ptr addrspace(256) %p, !dbg !43
  ret void
}

; CHECK: f.c:18:3: error: memory of an address space of its own
define void @copy_per_cpu(ptr addrspace(256) %p, ptr %q) !dbg !44 {
  call void @llvm.memcpy.p0.p256.i64(ptr %q, ptr addrspace(256) %p, i64 8, i1 false), !dbg !45
  ret void
}

; CHECK: f.c:19:3: error: a division of vectors cannot be checked
define void @vectors(<2 x i32> %p) !dbg !46 {
  %r = udiv <2 x i32> %p, %p, !dbg !47
  ret void
}


!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "f.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !{null})
!10 = distinct !DISubprogram(name: "pointer", file: !1, line: 1, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!11 = !DILocation(line: 1, column: 3, scope: !10)
!12 = distinct !DISubprogram(name: "asm", file: !1, line: 2, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!13 = !DILocation(line: 2, column: 3, scope: !12)
!14 = distinct !DISubprogram(name: "goto", file: !1, line: 3, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!15 = !DILocation(line: 3, column: 3, scope: !14)
!16 = distinct !DISubprogram(name: "register", file: !1, line: 4, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!17 = !DILocation(line: 4, column: 3, scope: !16)
!18 = distinct !DISubprogram(name: "half_register", file: !1, line: 5, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!19 = !DILocation(line: 5, column: 3, scope: !18)
!20 = distinct !DISubprogram(name: "write_register", file: !1, line: 6, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!21 = !DILocation(line: 6, column: 3, scope: !20)
!22 = distinct !DISubprogram(name: "return_address", file: !1, line: 7, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!23 = !DILocation(line: 7, column: 3, scope: !22)
!24 = distinct !DISubprogram(name: "frame_address", file: !1, line: 8, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!25 = !DILocation(line: 8, column: 3, scope: !24)
!26 = distinct !DISubprogram(name: "variable_arguments", file: !1, line: 9, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!27 = !DILocation(line: 9, column: 3, scope: !26)
!28 = distinct !DISubprogram(name: "va_arg", file: !1, line: 10, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!29 = !DILocation(line: 10, column: 3, scope: !28)
!30 = distinct !DISubprogram(name: "array_of_any_size", file: !1, line: 11, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!31 = !DILocation(line: 11, column: 3, scope: !30)
!32 = distinct !DISubprogram(name: "cpu", file: !1, line: 12, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!33 = !DILocation(line: 12, column: 3, scope: !32)
!34 = distinct !DISubprogram(name: "masked", file: !1, line: 13, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!35 = !DILocation(line: 13, column: 3, scope: !34)
!36 = distinct !DISubprogram(name: "gather", file: !1, line: 14, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!37 = !DILocation(line: 14, column: 3, scope: !36)
!38 = distinct !DISubprogram(name: "pattern", file: !1, line: 15, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!39 = !DILocation(line: 15, column: 3, scope: !38)
!40 = distinct !DISubprogram(name: "per_cpu", file: !1, line: 16, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!41 = !DILocation(line: 16, column: 3, scope: !40)
!42 = distinct !DISubprogram(name: "store_per_cpu", file: !1, line: 17, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!43 = !DILocation(line: 17, column: 3, scope: !42)
!44 = distinct !DISubprogram(name: "copy_per_cpu", file: !1, line: 18, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!45 = !DILocation(line: 18, column: 3, scope: !44)
!46 = distinct !DISubprogram(name: "vectors", file: !1, line: 19, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!47 = !DILocation(line: 19, column: 3, scope: !46)
declare i64 @llvm.read_register.i64(metadata)
declare i32 @llvm.read_register.i32(metadata)
declare void @llvm.write_register.i64(metadata, i64)
declare ptr @llvm.returnaddress(i32)
declare ptr @llvm.frameaddress.p0(i32)
declare void @llvm.va_start.p0(ptr)
declare i64 @llvm.x86.rdtsc()
declare void @llvm.memcpy.p0.p256.i64(ptr, ptr addrspace(256), i64, i1)
declare <4 x i32> @llvm.masked.load.v4i32.p0(ptr, <4 x i1>, <4 x i32>)
declare <2 x i32> @llvm.masked.gather.v2i32.v2p0(<2 x ptr>, <2 x i1>, <2 x i32>)
declare void @llvm.experimental.memset.pattern.p0.i64.i64(ptr, i64, i64, i1)
!99 = !{!"rsp"}
!98 = !{!"esp"}

; CHECK: 19 errors generated
