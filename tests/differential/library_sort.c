/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own sorting, with orders that are known only at run time. */
/* Kernel sources: lib/sort.c lib/list_sort.c */
#include "scene.h"

#include <linux/list_sort.h>
#include <linux/sort.h>

static int up(const void *a, const void *b)
{
	u32 x = *(u32 *)a, y = *(u32 *)b;

	return x < y ? -1 : x > y;
}

static int down(const void *a, const void *b)
{
	return -up(a, b);
}

static int by_low_byte(const void *a, const void *b)
{
	return *(u8 *)a - *(u8 *)b;
}

static int (*const orders[])(const void *, const void *) = { up, down, by_low_byte };

static void swap_words(void *a, void *b, int size)
{
	u32 *x = a, *y = b;

	for (; size >= 4; size -= 4, x++, y++)
		swap(*x, *y);
}

GPUFAS_ENTRY(library_sort, "sort()", unsigned long, root, u32, n, u32, order, u32, size, bool, own_swap)
{
	struct scene *scene = (struct scene *)root;

	/* 4 bytes, 8 and 12: each is swapped in its own way. */
	size = 4 + size % 3 * 4;
	sort(scene->numbers, n % (NUMBERS / 3), size, orders[order % ARRAY_SIZE(orders)],
	     own_swap ? swap_words : NULL);
	return scene->numbers[0];
}

static int with_mask(const void *a, const void *b, const void *priv)
{
	u32 x = *(u32 *)a & *(u32 *)priv, y = *(u32 *)b & *(u32 *)priv;

	return x < y ? -1 : x > y;
}

GPUFAS_ENTRY(library_sort_r, "sort_r() with something to compare by", unsigned long, root, u32, n, u32, mask)
{
	struct scene *scene = (struct scene *)root;

	sort_r(scene->numbers, n % NUMBERS, sizeof(u32), with_mask, NULL, &mask);
	return scene->numbers[1];
}

static int by_weight(void *priv, const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct item, list)->weight > list_entry(b, struct item, list)->weight;
}

static int by_level(void *priv, const struct list_head *a, const struct list_head *b)
{
	++*(u32 *)priv;
	return list_entry(a, struct item, list)->level - list_entry(b, struct item, list)->level;
}

static int by_name(void *priv, const struct list_head *a, const struct list_head *b)
{
	return strcmp(list_entry(a, struct item, list)->name, list_entry(b, struct item, list)->name);
}

GPUFAS_ENTRY(library_list_sort, "list_sort() by one of three orders", unsigned long, root, u32, order)
{
	struct scene *scene = (struct scene *)root;
	list_cmp_func_t compare = order % 3 == 0 ? by_weight : order % 3 == 1 ? by_level : by_name;
	u32 comparisons = 0;

	list_sort(&comparisons, &scene->items, compare);
	scene->out[0] = compare == by_name;
	return comparisons;
}
