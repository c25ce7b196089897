/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// WARN() is dropped but for its text, BUG() ends the program, as the macros of the kernel's headers
// have them.

#include <linux/bug.h>

// CHECK-LABEL: @warn(
// CHECK-NEXT: ret void
void warn(int bad) { WARN_ON(bad); WARN_ON_ONCE(bad); }

// CHECK-LABEL: @bug(
// CHECK: br i1
// CHECK: call void @gpufas.bug()
// CHECK-NEXT: unreachable
void bug(int bad) { BUG_ON(bad); }
