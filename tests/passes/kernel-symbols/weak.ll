; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; The address of a weak symbol is compared with null when the program runs: a kernel that does not have it gives 0. So a weak
; function is called through its address.

@weak = extern_weak global i32
@unused = extern_weak global i32
@strong = external global i32
declare extern_weak i32 @function(i32)

define i32 @f() {
; CHECK-LABEL: define i32 @f(
; CHECK: %[[WORD:.+]] = load i64, ptr @gpufas.symbol.weak
; CHECK: %[[ADDRESS:.+]] = inttoptr i64 %[[WORD]] to ptr
; CHECK: %there = icmp ne ptr %[[ADDRESS]], null
; CHECK: load i32, ptr %[[ADDRESS]]
  %there = icmp ne ptr @weak, null
  br i1 %there, label %yes, label %no

yes:
  %n = load i32, ptr @weak
  ret i32 %n

no:
  %m = load i32, ptr @strong
  ret i32 %m
}

define i32 @g() {
; CHECK-LABEL: define i32 @g(
; CHECK-NOT: @function
; CHECK: icmp ne ptr %{{.+}}, null
; CHECK: %[[CALLED:.+]] = inttoptr i64 %{{.+}} to ptr
; CHECK-NEXT: call i32 %[[CALLED]](i32 7)
  %there = icmp ne ptr @function, null
  br i1 %there, label %yes, label %no

yes:
  %n = call i32 @function(i32 7)
  ret i32 %n

no:
  ret i32 0
}

; CHECK: !gpufas.weak = !{![[WEAK:[0-9]+]], ![[FUNCTION:[0-9]+]]}
; CHECK-DAG: ![[WEAK]] = !{!"weak"}
; CHECK-DAG: ![[FUNCTION]] = !{!"function"}
