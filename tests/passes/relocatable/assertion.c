/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel -c --emit asm --target host %s -o - | FileCheck-22 %s
/* An assertion of the compile time that only holds where a function is inlined ends the program where it does not: it is BUG(). */
#include <linux/build_bug.h>

int checked(int x);
int checked(int x)
{
	BUILD_BUG_ON_MSG(x > 3, "only small ones");
	return x;
}

// CHECK-LABEL: checked:
// CHECK: callq gpufas_fault
// CHECK-NOT: __compiletime_assert
