/* SPDX-License-Identifier: GPL-2.0 */
// RUN: not gpufas-cc --kernel-headers %kernel --relocatable --passes layout,relocate --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s
// What depends on a layout and cannot be looked up is an error.

#include <linux/kernel.h>
#include <linux/string.h>
#include <gpufas/relocate.h>

struct GPUFAS_KERNEL_TYPE outer {
	int first;
	long second[5];
};

struct GPUFAS_KERNEL_TYPE outer___old {
	long old;
};

// CHECK: refused.c:[[#@LINE+1]]:{{.*}}error: a part of `struct outer` is copied or filled by its size in bytes
void part(struct outer *outer) { __builtin_memset(outer, 0, 20); }

// CHECK: error: `struct outer___old` is another form of the kernel's `outer`, of which there are pointers only
long variable(struct outer___old *from)
{
	struct outer___old copy = *from;

	return copy.old;
}

struct mine {
	long words[7];
};

// CHECK-NOT: error:
long own(struct mine *one, struct mine *two) { return one - two; }
