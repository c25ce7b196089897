/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own arrays, whose nodes are the program's own. */
/* Kernel sources: lib/xarray.c lib/radix-tree.c */
/* Options: --allocation own --own radix_tree_node_cachep */
#include "scene.h"
#include "nodes.h"

#include <linux/xarray.h>

/* Of what is stored, what does not depend on addresses. */
static u64 worth(void *entry)
{
	if (xa_is_value(entry))
		return xa_to_value(entry);
	if (xa_is_err(entry))
		return xa_err(entry);
	return entry ? ((struct item *)entry)->key : 77;
}

/* An item of the scene's, or a number. */
static void *something(struct scene *scene, struct numbers *numbers)
{
	struct item *item = scene->slots[next_number(numbers) % SLOTS];

	return item && next_number(numbers) % 2 ? (void *)item : xa_mk_value(next_number(numbers) >> 3);
}

static u64 sum_up(struct xarray *array)
{
	unsigned long index, sum = 0;
	void *entry;

	xa_for_each(array, index, entry)
		sum = sum * 31 + index * 7 + worth(entry) + xa_get_mark(array, index, XA_MARK_1);
	xa_for_each_marked(array, index, entry, XA_MARK_0)
		sum = sum * 33 + index;
	return sum;
}

GPUFAS_ENTRY(library_xarray_store, "entries stored, exchanged, marked and erased", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	struct xarray array;
	u64 sum = 0;

	create_node_cache();
	xa_init(&array);
	for (n = n % 400 + 20; n; n--) {
		unsigned long index = next_index(&numbers);
		void *entry = something(scene, &numbers);
		unsigned long found = index;

		switch (next_number(&numbers) % 10) {
		case 0:
			sum += worth(xa_erase(&array, index));
			break;
		case 1:
			sum += worth(xa_cmpxchg(&array, index, NULL, entry, GFP_KERNEL));
			break;
		case 2:
			sum += xa_insert(&array, index, entry, GFP_KERNEL);
			break;
		case 3:
			xa_set_mark(&array, index, XA_MARK_0);
			break;
		case 4:
			if (xa_find(&array, &found, ULONG_MAX, XA_PRESENT)) {
				xa_set_mark(&array, found, XA_MARK_1);
				sum += found;
			}
			break;
		case 5:
			sum += worth(xa_find_after(&array, &found, index + 5000, XA_MARK_1)) + found;
			xa_clear_mark(&array, found, XA_MARK_0);
			break;
		default:
			sum += worth(xa_store(&array, index, entry, GFP_KERNEL));
			sum += worth(xa_load(&array, index ^ 1));
		}
		sum *= 3;
	}
	scene->out[0] = sum;
	scene->out[1] = sum_up(&array);
	xa_destroy(&array);
	return xa_empty(&array);
}

GPUFAS_ENTRY(library_xarray_allocate, "free indices found", unsigned long, root, u64, seed, u32, n, bool, from_one)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	struct xarray array;
	u32 id, next = 0;
	u64 sum = 0;

	create_node_cache();
	xa_init_flags(&array, from_one ? XA_FLAGS_ALLOC1 : XA_FLAGS_ALLOC);
	for (n = n % 300 + 100; n; n--) {
		u32 first = next_number(&numbers) % 200;
		struct xa_limit limit = XA_LIMIT(first, first + next_number(&numbers) % 4000);

		id = 0;
		switch (next_number(&numbers) % 6) {
		case 0:
			xa_erase(&array, first);
			break;
		case 1:
			sum += xa_alloc_cyclic(&array, &id, something(scene, &numbers), XA_LIMIT(3, 150), &next, GFP_KERNEL);
			sum += next;
			break;
		case 2:
			sum += xa_reserve(&array, first, GFP_KERNEL);
			break;
		case 3:
			xa_release(&array, first);
			break;
		default:
			sum += xa_alloc(&array, &id, something(scene, &numbers), limit, GFP_KERNEL);
		}
		sum = sum * 5 + id;
	}
	scene->out[0] = sum;
	scene->out[1] = sum_up(&array);
	xa_destroy(&array);
	return xa_empty(&array);
}

GPUFAS_ENTRY(library_xarray_range, "entries of many indices", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	struct xarray array;
	unsigned long index;
	u64 sum = 0;

	create_node_cache();
	xa_init(&array);
	for (n = n % 60 + 5; n; n--) {
		unsigned long first = next_number(&numbers) % 20000, last = first + next_number(&numbers) % 3000;

		if (next_number(&numbers) % 4)
			sum += worth(xa_store_range(&array, first, last, something(scene, &numbers), GFP_KERNEL));
		else
			sum += worth(xa_erase(&array, first));
		sum = sum * 3 + worth(xa_load(&array, (first + last) / 2));
	}
	for (index = 0; index < 24000; index += next_number(&numbers) % 97)
		sum = sum * 3 + worth(xa_load(&array, index));
	scene->out[0] = sum;
	scene->out[1] = sum_up(&array);
	xa_destroy(&array);
	return xa_empty(&array);
}

GPUFAS_ENTRY(library_xarray_walk, "walks that stop and go on", unsigned long, root, u64, seed, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct numbers numbers = { seed };
	DEFINE_XARRAY(array);
	XA_STATE(xas, &array, 0);
	void *entry, *some[20];
	u64 sum = 0;
	int i;

	create_node_cache();
	for (n = n % 300 + 50; n; n--) {
		unsigned long index = next_index(&numbers);

		xa_store(&array, index, something(scene, &numbers), GFP_KERNEL);
		if (next_number(&numbers) % 2)
			xa_set_mark(&array, index, XA_MARK_2);
	}
	xas_lock(&xas);
	xas_for_each(&xas, entry, ULONG_MAX) {
		sum = sum * 3 + worth(entry) + xas.xa_index;
		if (next_number(&numbers) % 3 == 0)
			xas_store(&xas, NULL);
		else if (next_number(&numbers) % 3 == 0)
			xas_pause(&xas);
	}
	xas_set(&xas, next_index(&numbers));
	for (i = 0; i < 20; i++) {
		entry = next_number(&numbers) % 2 ? xas_next(&xas) : xas_prev(&xas);
		sum = sum * 3 + worth(entry) + xas.xa_index;
	}
	xas_set(&xas, 0);
	xas_for_each_marked(&xas, entry, ULONG_MAX, XA_MARK_2)
		sum = sum * 5 + xas.xa_index;
	xas_unlock(&xas);
	n = xa_extract(&array, some, 0, ULONG_MAX, ARRAY_SIZE(some), XA_MARK_2);
	for (i = 0; i < n; i++)
		sum = sum * 7 + worth(some[i]);
	scene->out[0] = sum;
	scene->out[1] = sum_up(&array);
	xa_destroy(&array);
	return n;
}
