/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own arrays, all of which lies in the kernel's memory: the head, and
 * as many nodes as there is room for in the scene's bytes.
 */
/* Kernel sources: lib/xarray.c lib/radix-tree.c lib/find_bit.c lib/bitmap.c */
/* Options: --own radix_tree_node_cachep */
#include "scene.h"
#include "nodes.h"

#include <linux/xarray.h>

#define NODES		(BYTES / sizeof(struct radix_tree_node) - 1)

/* The nodes that nobody uses. */
static struct radix_tree_node *unused[NODES];
static int unused_count;

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, gfp_t flags)
{
	return unused_count ? unused[--unused_count] : NULL;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags)
{
	return kmem_cache_alloc_lru(cache, NULL, flags);
}

void kmem_cache_free(struct kmem_cache *cache, void *node)
{
	if (unused_count < NODES)
		unused[unused_count++] = node;
}

/* Nobody reads meanwhile. */
void call_rcu(struct rcu_head *head, rcu_callback_t callback)
{
	callback(head);
}

static struct xarray *start(struct scene *scene, gfp_t flags)
{
	struct radix_tree_node *nodes = PTR_ALIGN((struct radix_tree_node *)scene->bytes, 64);
	struct xarray *array = (struct xarray *)scene->large[0]->words;
	int i;

	for (i = 0; i < NODES; i++) {
		construct_node(&nodes[i]);
		unused[i] = &nodes[i];
	}
	unused_count = NODES;
	xa_init_flags(array, flags);
	return array;
}

GPUFAS_ENTRY(library_nodes_store, "an array in the kernel's memory", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct xarray *array = start(scene, 0);
	struct numbers numbers = { seed };
	unsigned long index;
	void *entry;
	u64 sum = 0;

	for (n = n % 200 + 20; n; n--) {
		index = next_index(&numbers);
		entry = scene->slots[next_number(&numbers) % SLOTS];
		switch (next_number(&numbers) % 5) {
		case 0:
			xa_erase(array, index);
			break;
		case 1:
			xa_set_mark(array, index, next_number(&numbers) % 3);
			break;
		case 2:
			sum += xa_err(xa_store_range(array, index / 16 * 8, index / 16 * 8 + 7, entry, GFP_KERNEL));
			break;
		default:
			sum += xa_err(xa_store(array, index, entry ?: xa_mk_value(n), GFP_KERNEL));
		}
	}
	xa_for_each(array, index, entry)
		sum = sum * 3 + index + xa_is_value(entry);
	scene->out[0] = sum;
	return unused_count;
}

GPUFAS_ENTRY(library_nodes_allocate, "free indices of an array in the kernel's memory", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct xarray *array = start(scene, XA_FLAGS_ALLOC);
	struct numbers numbers = { seed };
	u32 id, next = 0;
	u64 sum = 0;

	for (n = n % 500 + 20; n; n--) {
		void *entry = scene->slots[next_number(&numbers) % SLOTS];

		id = 0;
		if (next_number(&numbers) % 3 == 0)
			sum += xa_alloc_cyclic(array, &id, entry, XA_LIMIT(5, 90), &next, GFP_KERNEL);
		else if (next_number(&numbers) % 3 == 0)
			xa_erase(array, next_number(&numbers) % 300);
		else
			sum += xa_alloc(array, &id, entry ?: xa_mk_value(n), xa_limit_31b, GFP_KERNEL);
		sum = sum * 3 + id;
	}
	scene->out[0] = sum;
	return unused_count;
}

GPUFAS_ENTRY(library_nodes_destroy, "an array that goes", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct xarray *array = start(scene, 0);
	struct numbers numbers = { seed };

	for (n = n % 60; n; n--)
		xa_store(array, next_index(&numbers), xa_mk_value(n), GFP_KERNEL);
	xa_destroy(array);
	return unused_count;
}
