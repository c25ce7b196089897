/* SPDX-License-Identifier: GPL-2.0 */
// RUN: not gpufas-cc --kernel-headers %kernel --passes kernel-asm,kernel-symbols,optimize,reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
// BUILD_BUG_ON() and its like are calls of functions that must not be called; the message is theirs,
// and what the optimiser removes is no error.

#include <linux/build_bug.h>

void holds(void) { BUILD_BUG_ON(sizeof(int) != 4); }

// CHECK: build-bug.c:[[#@LINE+1]]:{{[0-9]+}}: error: BUILD_BUG_ON failed: n != 4
void may_fail(int n) { BUILD_BUG_ON_MSG(n != 4, "BUILD_BUG_ON failed: " "n != 4"); }
// CHECK: 1 error generated
