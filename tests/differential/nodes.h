/* SPDX-License-Identifier: GPL-2.0 */
/* What the workloads of lib/xarray.c and lib/radix-tree.c have in common. */
#ifndef _NODES_H
#define _NODES_H

#include <gpufas/gpufas.h>

#include <linux/radix-tree.h>
#include <linux/slab.h>
#include <linux/string.h>

/* The kernel's, here the program's own: radix_tree_init() makes it when a kernel starts. */
extern struct kmem_cache *radix_tree_node_cachep;

static void construct_node(void *memory)
{
	struct radix_tree_node *node = memory;

	memset(node, 0, sizeof(*node));
	INIT_LIST_HEAD(&node->private_list);
}

static inline void create_node_cache(void)
{
	radix_tree_node_cachep = kmem_cache_create("node", sizeof(struct radix_tree_node), 0, 0, construct_node);
}

/* Numbers that look random (xorshift). */
struct numbers {
	u64 state;
};

static inline u64 next_number(struct numbers *numbers)
{
	u64 x = numbers->state ?: 1;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	numbers->state = x;
	return x >> 11;
}

/* Near each other, far from each other, or far out. */
static inline unsigned long next_index(struct numbers *numbers)
{
	switch (next_number(numbers) % 8) {
	case 0:
		return 1UL << next_number(numbers) % 64;
	case 1:
		return -(next_number(numbers) % 100);
	case 2:
		return next_number(numbers) % 100000;
	default:
		return next_number(numbers) % 700;
	}
}

#endif /* _NODES_H */
