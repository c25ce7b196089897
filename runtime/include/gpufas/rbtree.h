/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Red-black trees without lib/rbtree.c: walking one, and erasing what leaves it
 * balanced. What would have to be balanced again is known before anything is written.
 */
#ifndef _GPUFAS_RBTREE_H
#define _GPUFAS_RBTREE_H

#include <linux/rbtree_augmented.h>
#include <linux/types.h>

/* rb_next(), which is in lib/rbtree.c */
static inline struct rb_node *gpufas_rb_next(struct rb_node *node)
{
	struct rb_node *parent;

	if (node->rb_right) {
		node = node->rb_right;
		while (node->rb_left)
			node = node->rb_left;
		return node;
	}

	while ((parent = rb_parent(node)) && node == parent->rb_right)
		node = parent;
	return parent;
}

/* Most steps up a tree: more than one of all tasks that there can be has. */
#define GPUFAS_MOST_RB_STEPS 64

/* Whether a node is in a tree. */
static inline bool gpufas_rb_contains(const struct rb_root *root, struct rb_node *node)
{
	unsigned int steps;

	if (RB_EMPTY_NODE(node))
		return false;

	for (steps = 0; rb_parent(node) && steps < GPUFAS_MOST_RB_STEPS; steps++)
		node = rb_parent(node);

	return root->rb_node == node;
}

/*
 * Whether the colours of a tree are right without a node, with no more changes than
 * __rb_erase_augmented() makes: rb_erase() in lib/rbtree.c does what is missing.
 */
static inline bool gpufas_rb_erases_easily(const struct rb_node *node)
{
	const struct rb_node *next = node->rb_right;

	if (!node->rb_left || !next)
		/* An only child is red, and takes the node's place and colour. */
		return node->rb_left || next || !rb_parent(node) || rb_is_red(node);

	/* The next node takes the place and colour of this one. */
	while (next->rb_left)
		next = next->rb_left;
	return next->rb_right || rb_is_red(next);
}

static inline void gpufas_rb_propagate(struct rb_node *node, struct rb_node *stop)
{
}

static inline void gpufas_rb_copy(struct rb_node *old, struct rb_node *new)
{
}

static const struct rb_augment_callbacks gpufas_rb_callbacks = {
	.propagate = gpufas_rb_propagate,
	.copy = gpufas_rb_copy,
	.rotate = gpufas_rb_copy,
};

#endif /* _GPUFAS_RBTREE_H */
