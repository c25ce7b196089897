/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel sources: lib/rbtree.c lib/random32.c */
/* Options: --allocation own */
#define MODULE
#include <gpufas/gpufas.h>

#include <linux/timex.h>

/* The module measures how long it takes. A program has no clock. */
#undef get_cycles
#define get_cycles()	0
#include <lib/rbtree_test.c>

GPUFAS_ENTRY(test, "the kernel's own test of struct rb_node")
{
	return init_module();
}
