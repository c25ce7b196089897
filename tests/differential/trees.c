/* SPDX-License-Identifier: GPL-2.0 */
/* Red-black trees as kernels link them: colour and parent in one word. */
#include "scene.h"

#include <gpufas/rbtree.h>
#include <linux/rbtree_augmented.h>

#define item_of(node)	rb_entry_safe(node, struct item, rb)

static struct rb_node *first_node(struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

GPUFAS_ENTRY(tree_walk, "walk a tree in order by its parent pointers", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct rb_node *node;
	u64 sum = 0, last = 0;
	int count = 0;

	for (node = first_node(&scene->tree); node; node = gpufas_rb_next(node)) {
		struct item *item = item_of(node);

		if (count && item->key <= last)
			return -EINVAL;
		last = item->key;
		sum = sum * 33 + last;
		count++;
	}
	scene->out[0] = sum;
	return count;
}

static noinline int depth(struct rb_node *node)
{
	int left, right;

	if (!node)
		return 0;
	left = depth(node->rb_left);
	right = depth(node->rb_right);
	return 1 + max(left, right);
}

GPUFAS_ENTRY(tree_depth, "recursion", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	return depth(scene->tree.rb_node);
}

static noinline void mirror(struct rb_node *node, u32 which)
{
	if (!node)
		return;
	if (which & 1)
		swap(node->rb_left, node->rb_right);
	mirror(node->rb_left, which >> 1);
	mirror(node->rb_right, which ^ which >> 2);
}

GPUFAS_ENTRY(tree_mirror, "recursion that writes", unsigned long, root, u32, which)
{
	struct scene *scene = (struct scene *)root;

	mirror(scene->tree.rb_node, which);
	return 0;
}

static int compare_key(const void *key, const struct rb_node *node)
{
	const struct item *item = rb_entry(node, struct item, rb);
	u64 wanted = *(const u64 *)key;

	return wanted < item->key ? -1 : wanted > item->key;
}

GPUFAS_ENTRY(tree_find, "search with a comparison function and a key on the stack", unsigned long, root, u64, key)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int found = 0;

	list_for_each_entry(item, &scene->items, list) {
		u64 wanted = item->key + (key & 1);
		struct rb_node *node = rb_find(&wanted, &scene->tree, compare_key);

		if (node) {
			item_of(node)->level ^= 1;
			found++;
		}
		/* and one that is in the kernel's memory */
		if (item->peer && rb_find(&item->peer->key, &scene->tree, compare_key))
			found += 100;
	}
	return found;
}

static void replace_child(struct scene *scene, struct rb_node *old, struct rb_node *new)
{
	struct rb_node *parent = rb_parent(old);

	if (!parent)
		scene->tree.rb_node = new;
	else if (parent->rb_left == old)
		parent->rb_left = new;
	else
		parent->rb_right = new;
}

GPUFAS_ENTRY(tree_rotate, "rotate to the left or right", unsigned long, root, u32, number, bool, left)
{
	struct scene *scene = (struct scene *)root;
	struct rb_node *node = first_node(&scene->tree);
	struct rb_node *up, *moved;

	for (number %= 32; node && number; number--)
		node = gpufas_rb_next(node);
	if (!node)
		return -ENOENT;
	up = left ? node->rb_right : node->rb_left;
	if (!up)
		return 0;
	moved = left ? up->rb_left : up->rb_right;
	replace_child(scene, node, up);
	rb_set_parent(up, rb_parent(node));
	rb_set_parent(node, up);
	if (left) {
		up->rb_left = node;
		node->rb_right = moved;
	} else {
		up->rb_right = node;
		node->rb_left = moved;
	}
	if (moved)
		rb_set_parent(moved, node);
	return rb_is_red(up) << 1 | rb_is_black(node);
}

GPUFAS_ENTRY(tree_leaves, "take leaves off and link them elsewhere", unsigned long, root, u64, mask)
{
	struct scene *scene = (struct scene *)root;
	struct rb_node *node, *next;
	int moved = 0;

	for (node = first_node(&scene->tree); node; node = next) {
		struct rb_node **link = &scene->tree.rb_node, *parent = NULL;
		struct item *item = item_of(node);

		next = gpufas_rb_next(node);
		if (node->rb_left || node->rb_right || !(item->key & mask))
			continue;
		replace_child(scene, node, NULL);
		RB_CLEAR_NODE(node);
		if (!RB_EMPTY_NODE(node))
			return -EINVAL;
		while (*link) {
			parent = *link;
			link = item->key < item_of(parent)->key ? &parent->rb_left : &parent->rb_right;
		}
		rb_link_node(node, parent, link);
		rb_set_parent_color(node, parent, moved & 1);
		moved++;
	}
	return moved;
}

GPUFAS_ENTRY(tree_stack, "walk with a stack of kernel pointers in own memory", unsigned long, root, u32, depth)
{
	struct scene *scene = (struct scene *)root;
	struct rb_node *stack[24];
	u32 room = clamp_t(u32, depth % 32, 2, ARRAY_SIZE(stack));
	u32 used = 0, i = 0;

	if (scene->tree.rb_node)
		stack[used++] = scene->tree.rb_node;
	while (used) {
		struct rb_node *node = stack[--used];

		scene->out[i++ % OUTS] = item_of(node)->key;
		if (node->rb_right && used < room)
			stack[used++] = node->rb_right;
		if (node->rb_left && used < room)
			stack[used++] = node->rb_left;
	}
	return i;
}

GPUFAS_ENTRY(tree_colours, "change a bit in a pointer's word", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct rb_node *node;
	int black = 0;

	for (node = first_node(&scene->tree); node; node = gpufas_rb_next(node)) {
		black += rb_is_black(node);
		node->__rb_parent_color ^= RB_BLACK;
	}
	return black;
}
