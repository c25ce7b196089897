; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --kernel-headers %kernel -c --emit ptx %s -o - | FileCheck-22 %s
; In relocatable code an alias of a function is a function of its own that others can call, since PTX has no aliases; a weak one may
; be overridden, so calls of it stay calls of it.

@own = internal global i64 0
@also = alias i64 (i64), ptr @meant
@weakly = weak alias i64 (i64), ptr @meant

define i64 @meant(i64 %x) noinline {
  store volatile i64 %x, ptr @own
  %y = load volatile i64, ptr @own
  ret i64 %y
}

; CHECK: .visible .func {{.*}} use(
; CHECK: call.uni (retval0), meant
; CHECK: call.uni (retval0), weakly
define i64 @use(i64 %x) {
  %a = call i64 @also(i64 %x)
  %b = call i64 @weakly(i64 %a)
  ret i64 %b
}

; CHECK: .visible .func (.param .b64 func_retval0) also(
; CHECK: .weak .func (.param .b64 func_retval0) weakly(
