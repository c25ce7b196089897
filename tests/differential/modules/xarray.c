/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel sources: lib/xarray.c lib/radix-tree.c */
/* Options: --allocation own --own radix_tree_node_cachep */
#define MODULE
#include <lib/test_xarray.c>

#include "../nodes.h"

/* The module lets others run now and then. There are none. */
asmlinkage void schedule(void)
{
}

GPUFAS_ENTRY(test, "the kernel's own test of struct xarray")
{
	create_node_cache();
	return init_module();
}
