/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --target host -O1 %s -o %t-O1.so
// RUN: llvm-nm-22 --dynamic %t-O1.so | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --target host -g %s -o %t-g.so
// RUN: llvm-nm-22 --dynamic %t-g.so | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --target host -O3 %s -o %t-O3.so
// RUN: llvm-nm-22 --dynamic %t-O3.so | FileCheck-22 %s
// Large structures of the program's own are copied and filled by calls that code generation makes; the
// program needs no library for them, with debug information and without.

#include <linux/string.h>
#include <gpufas/gpufas.h>

struct large {
	long words[100];
};

static struct large kept;

static noinline long word(struct large copy, int index)
{
	return copy.words[index];
}

GPUFAS_ENTRY(go, "copy", int, number)
{
	struct large one = { { number } }, two;

	memset(&two, number, sizeof(two));
	kept = one;
	one = two;
	gpufas_log("%ld\n", one.words[number & 7]);
	return word(two, number) + kept.words[0];
}

// CHECK-NOT: {{ U }}
// CHECK: {{ T }}gpufas_entry_go
// CHECK-NOT: {{ U }}
