; SPDX-License-Identifier: MIT OR Apache-2.0
; A call through a pointer leads to functions of the kernel of its C type, which clang tells by numbers, and to functions of the program
; that take such arguments. What clang says for code generators, which would check it, is gone.
; RUN: gpufas-cc --passes callable-functions --emit llvm-ir %s -o - | FileCheck-22 --check-prefixes=CHECK,NOTED --implicit-check-not='"kcfi"(' --implicit-check-not=!kcfi_type %s
; RUN: gpufas-cc --passes callable-functions,optimize,function-pointers --emit llvm-ir %s -o - | FileCheck-22 --check-prefixes=CHECK,CALLED --implicit-check-not=@other %s

target triple = "x86_64-linux-gnu"

; NOTED: @gpufas.callable = global [3 x ptr] [ptr @same, ptr @unknown, ptr @own]
@operations = constant ptr @own

define internal i32 @same(ptr %p) noinline "gpufas-kernel-symbol"="same" !kcfi_type !0 {
  ret i32 1
}

define internal i32 @other(ptr %p) noinline "gpufas-kernel-symbol"="other" !kcfi_type !1 {
  ret i32 2
}

; From a source that was compiled without.
define internal i32 @unknown(ptr %p) noinline "gpufas-kernel-symbol"="unknown" {
  ret i32 3
}

; The program may have cast it.
define internal i32 @own(ptr %p) noinline !kcfi_type !1 {
  ret i32 4
}

; What else is known of a call stays.
; NOTED: tail call zeroext i32 %f(ptr nonnull %p) [[TYPE:#[0-9]+]], !tag
; CHECK-LABEL: define i32 @entry(
; CALLED: call i32 @gpufas.call.0(ptr %f
; NOTED: [[RESULT:%.*]] = call i32 %f(ptr %p) [[TYPE]]
; NOTED: ret i32 [[RESULT]]
define internal i32 @more(ptr %f, ptr %p) noinline {
  %r = tail call zeroext i32 %f(ptr nonnull %p) [ "kcfi"(i32 -11) ], !tag !2
  ret i32 %r
}

define i32 @entry(ptr %class, ptr %p) {
  %f = load ptr, ptr %class
  %m = call i32 @more(ptr %f, ptr %p)
  %r = call i32 %f(ptr %p) [ "kcfi"(i32 -11) ]
  ret i32 %r
}

; CALLED: switch i32 {{%.*}}, label %wrong [
; CALLED-NEXT: i32 {{[0-9]}}, label %same
; CALLED-NEXT: i32 {{[0-9]}}, label %unknown
; CALLED-NEXT: i32 {{[0-9]}}, label %own
; CALLED-NEXT: ]

; NOTED: attributes [[TYPE]] = { "gpufas-c-type"="4294967285" }
!0 = !{i32 -11}
!1 = !{i32 12}
!2 = !{}
