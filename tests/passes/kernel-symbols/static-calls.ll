; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
; RUN: gpufas-cc --passes kernel-symbols,callable-functions,optimize,function-pointers --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=CALL
; A trampoline goes where the running kernel's key says, which may be nowhere, or to a function that stands for returning 0.

declare !kcfi_type !0 i32 @__SCT__number(ptr, i32)
declare void @__SCT__nothing()
declare i32 @__SCT__unused()
declare i32 @__SCT__variable(...)

define i32 @"gpufas_entry_f"(ptr %p) {
  %n = call i32 @call(ptr %p)
  ret i32 %n
}

define i32 @variable() {
  %n = call i32 (...) @__SCT__variable(i32 1)
  ret i32 %n
}

define internal i32 @call(ptr %p) noinline {
  call void @__SCT__nothing()
  %n = call i32 @__SCT__number(ptr %p, i32 7)
  ret i32 %n
}

; CHECK-DAG: @gpufas.symbol.__SCK__number = external global i64
; CHECK-DAG: @gpufas.symbol.__SCK__nothing = external global i64
; CHECK-DAG: @gpufas.symbol.__static_call_return0 = external global i64
; CHECK-NOT: __SCK__unused
; CHECK-LABEL: define internal i32 @__SCT__number(ptr %0, i32 %1)
; CHECK: %[[FUNCTION:.+]] = load ptr, ptr %{{.+}}, align 8
; CHECK-DAG: icmp eq ptr %[[FUNCTION]], null
; CHECK-DAG: icmp eq ptr %[[FUNCTION]], %{{.+}}
; CHECK: br i1 %{{.+}}, label %nothing, label %call
; CHECK: call:
; Of the trampoline's C type.
; CHECK-NEXT: %[[RESULT:.+]] = call i32 %[[FUNCTION]](ptr %0, i32 %1) [[TYPE:#[0-9]+]]
; CHECK-NEXT: ret i32 %[[RESULT]]
; CHECK: nothing:
; CHECK-NEXT: ret i32 0
; CHECK-LABEL: define internal void @__SCT__nothing()
; CHECK: ret void
; Variable arguments cannot be passed on.
; CHECK: declare i32 @__SCT__variable(...)
; CHECK: attributes [[TYPE]] = { "gpufas-c-type"="7" }
; CHECK: !gpufas.weak = !{![[WEAK:[0-9]+]]
; CHECK: ![[WEAK]] = !{!"__static_call_return0"}

; CALL-NOT: @__SCT__{{number|nothing}}
; CALL: call i32 @gpufas.call.{{[0-9]+}}(ptr %{{.+}}, i32 {{[0-9]+}}, ptr %{{.+}}, i32 7)

!0 = !{i32 7}
