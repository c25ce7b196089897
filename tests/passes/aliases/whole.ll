; SPDX-License-Identifier: MIT OR Apache-2.0
; RUN: gpufas-cc --passes aliases,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
; In a whole program an alias is what it stands for, of whatever kind and place; an indirect function is what its resolver says.

@table = internal global [4 x i64] [i64 2, i64 3, i64 5, i64 7]
@second = alias i64, getelementptr (i8, ptr @table, i64 8)
@also = alias i64 (i64), ptr @meant
@weakly = weak alias i64 (i64), ptr @meant
@chosen = ifunc i64 (i64), ptr @choose

; CHECK-NOT: @{{[a-z]+}} = {{.*}}alias
; CHECK-NOT: @{{[a-z]+}} = {{.*}}ifunc
define internal ptr @choose() {
  ret ptr @meant
}

define internal i64 @meant(i64 %x) noinline {
  store volatile i64 %x, ptr @table
  ret i64 %x
}

; CHECK-LABEL: define i64 @use(
; CHECK: load volatile i64, ptr getelementptr {{.*}}@table, i64 8)
; CHECK-COUNT-3: call {{.*}}@meant(
define i64 @use(i64 %x) {
  %s = load volatile i64, ptr @second
  %a = call i64 @also(i64 %s)
  %b = call i64 @weakly(i64 %a)
  %c = call i64 @chosen(i64 %b)
  ret i64 %c
}
