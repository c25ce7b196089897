/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own radix trees, and the numbers that are given away with them, whose nodes are the program's own. */
/* Kernel sources: lib/radix-tree.c lib/xarray.c lib/idr.c */
/* Options: --allocation own --own radix_tree_node_cachep */
#include "scene.h"
#include "nodes.h"

#include <linux/idr.h>

/* What does not depend on addresses. */
static u64 worth(void *entry)
{
	return entry ? ((struct item *)entry)->key : 77;
}

static u64 sum_up(struct radix_tree_root *tree)
{
	struct radix_tree_iter iter;
	void __rcu **slot;
	u64 sum = 0;

	radix_tree_for_each_slot(slot, tree, &iter, 0)
		sum = sum * 31 + iter.index * 7 + worth(radix_tree_deref_slot(slot));
	radix_tree_for_each_tagged(slot, tree, &iter, 0, 1)
		sum = sum * 33 + iter.index;
	return sum;
}

GPUFAS_ENTRY(library_radix_tree, "entries of a radix tree", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	struct radix_tree_iter iter;
	RADIX_TREE(tree, GFP_KERNEL);
	void *found[16];
	void __rcu **slot;
	u64 sum = 0;
	int i, count;

	if (!scene->first)
		return 0;
	create_node_cache();
	for (n = n % 400 + 20; n; n--) {
		unsigned long index = next_index(&numbers);
		struct item *item = scene->slots[next_number(&numbers) % SLOTS] ?: scene->first;

		switch (next_number(&numbers) % 8) {
		case 0:
			sum += worth(radix_tree_delete(&tree, index));
			break;
		case 1:
			if (radix_tree_lookup(&tree, index))
				radix_tree_tag_set(&tree, index, next_number(&numbers) % 3);
			break;
		case 2:
			radix_tree_tag_clear(&tree, index, 1);
			sum += radix_tree_tag_get(&tree, index, 2) + radix_tree_tagged(&tree, 1);
			break;
		case 3:
			slot = radix_tree_lookup_slot(&tree, index);
			if (slot)
				radix_tree_replace_slot(&tree, slot, item);
			break;
		default:
			sum += radix_tree_insert(&tree, index, item);
			sum += worth(radix_tree_lookup(&tree, index ^ 1));
		}
		sum *= 3;
	}
	count = radix_tree_gang_lookup(&tree, found, next_index(&numbers), ARRAY_SIZE(found));
	for (i = 0; i < count; i++)
		sum = sum * 3 + worth(found[i]);
	count = radix_tree_gang_lookup_tag(&tree, found, 0, ARRAY_SIZE(found), 2);
	for (i = 0; i < count; i++)
		sum = sum * 5 + worth(found[i]);
	scene->out[0] = sum;
	scene->out[1] = sum_up(&tree);
	radix_tree_for_each_slot(slot, &tree, &iter, 0)
		radix_tree_iter_delete(&tree, &iter, slot);
	return radix_tree_empty(&tree);
}

GPUFAS_ENTRY(library_radix_tree_idr, "numbers for items", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	DEFINE_IDR(idr);
	void *entry;
	u64 sum = 0;
	int id;

	create_node_cache();
	for (n = n % 300 + 50; n; n--) {
		struct item *item = scene->slots[next_number(&numbers) % SLOTS];
		int first = next_number(&numbers) % 500;

		switch (next_number(&numbers) % 6) {
		case 0:
			sum += worth(idr_remove(&idr, first));
			break;
		case 1:
			sum += idr_alloc_cyclic(&idr, item, first, first + 300, GFP_KERNEL);
			break;
		case 2:
			entry = idr_find(&idr, first) ? idr_replace(&idr, item, first) : NULL;
			sum += worth(entry);
			break;
		default:
			sum += idr_alloc(&idr, item, first, next_number(&numbers) % 2 ? 0 : first + 7, GFP_KERNEL);
		}
		sum = sum * 3 + worth(idr_find(&idr, first));
	}
	idr_for_each_entry(&idr, entry, id)
		sum = sum * 5 + id + worth(entry);
	scene->out[0] = sum;
	idr_destroy(&idr);
	return idr_is_empty(&idr);
}

GPUFAS_ENTRY(library_radix_tree_ida, "numbers alone", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	DEFINE_IDA(ida);
	u64 sum = 0;

	create_node_cache();
	for (n = n % 600 + 50; n; n--) {
		unsigned int first = next_number(&numbers) % 3000;
		int id = -1;

		if (next_number(&numbers) % 4)
			id = ida_alloc_range(&ida, first, next_number(&numbers) % 2 ? first + 3 : INT_MAX, GFP_KERNEL);
		else if (next_number(&numbers) % 4 == 0)
			id = ida_alloc(&ida, GFP_KERNEL);
		if (id >= 0 && next_number(&numbers) % 3 == 0)
			ida_free(&ida, id);
		sum = sum * 3 + id;
	}
	scene->out[0] = sum;
	ida_destroy(&ida);
	return ida_is_empty(&ida);
}
