/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own red-black trees. */
/* Kernel sources: lib/rbtree.c */
#include "scene.h"

#include <linux/rbtree_augmented.h>

static bool key_less(struct rb_node *node, const struct rb_node *other)
{
	return rb_entry(node, struct item, rb)->key < rb_entry(other, struct item, rb)->key;
}

/* A balanced tree of all items, in the place of the scene's. */
static void build(struct scene *scene)
{
	struct item *item;

	scene->tree = RB_ROOT;
	list_for_each_entry(item, &scene->items, list)
		rb_add(&item->rb, &scene->tree, key_less);
}

/* The keys in order, and how deep the tree is. */
static int sum_up(struct scene *scene)
{
	struct rb_node *node, *up;
	u64 sum = 0;
	int deepest = 0, depth;

	for (node = rb_first(&scene->tree); node; node = rb_next(node)) {
		sum = sum * 31 + rb_entry(node, struct item, rb)->key;
		for (up = node, depth = 0; up; up = rb_parent(up))
			depth++;
		deepest = max(deepest, depth);
	}
	for (node = rb_last(&scene->tree); node; node = rb_prev(node))
		sum = sum * 33 + rb_entry(node, struct item, rb)->id;
	scene->out[0] = sum;
	return deepest;
}

GPUFAS_ENTRY(library_tree_insert, "rb_insert_color()", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	build(scene);
	return sum_up(scene);
}

GPUFAS_ENTRY(library_tree_erase, "rb_erase() of some", unsigned long, root, u64, mask)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int i = 0;

	build(scene);
	list_for_each_entry(item, &scene->items, list)
		if (mask >> (i++ % 64) & 1)
			rb_erase(&item->rb, &scene->tree);
	return sum_up(scene);
}

GPUFAS_ENTRY(library_tree_replace, "rb_replace_node(), and the order from the leaves up", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *next, *last;
	int sum = 0;

	if (list_empty(&scene->items))
		return 0;
	last = list_last_entry(&scene->items, struct item, list);
	build(scene);
	rb_erase(&last->rb, &scene->tree);
	if (!RB_EMPTY_ROOT(&scene->tree))
		rb_replace_node(rb_first(&scene->tree), &last->rb, &scene->tree);
	rbtree_postorder_for_each_entry_safe(item, next, &scene->tree, rb)
		sum = sum * 5 + item->id;
	return sum;
}

static inline s64 item_weight(struct item *item)
{
	return item->weight;
}

/* Each item's largest weight below it. The tree calls these by pointers. */
RB_DECLARE_CALLBACKS_MAX(static, largest, struct item, rb, s64, array64[0], item_weight)

GPUFAS_ENTRY(library_tree_augmented, "trees that know more of their parts", unsigned long, root, u64, mask)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int i = 0;

	scene->tree = RB_ROOT;
	list_for_each_entry(item, &scene->items, list) {
		struct rb_node **link = &scene->tree.rb_node, *parent = NULL;

		while (*link) {
			struct item *at = rb_entry(*link, struct item, rb);

			parent = *link;
			at->array64[0] = max_t(s64, at->array64[0], item->weight);
			link = item->key < at->key ? &parent->rb_left : &parent->rb_right;
		}
		item->array64[0] = item->weight;
		rb_link_node(&item->rb, parent, link);
		rb_insert_augmented(&item->rb, &scene->tree, &largest);
	}
	list_for_each_entry(item, &scene->items, list)
		if (mask >> (i++ % 64) & 1)
			rb_erase_augmented(&item->rb, &scene->tree, &largest);
	scene->out[1] = scene->tree.rb_node ? rb_entry(scene->tree.rb_node, struct item, rb)->array64[0] : 0;
	return sum_up(scene);
}
