/* SPDX-License-Identifier: GPL-2.0 */
/* What gpufas/rbtree.h says of a tree, compared with what the kernel's own code does with it. */
#include <gpufas/gpufas.h>
#include <gpufas/rbtree.h>

#include <linux/string.h>

/* Black nodes on each way down a tree, at most: with a red one above each there are 126 nodes in all. */
#define MOST_BLACK 3
#define MOST_NODES 128

static struct rb_node nodes[MOST_NODES];
static unsigned int used;

/* A node in a tree that grows, and how many black ones are on each way down from it. */
struct place {
	struct rb_node *parent;
	struct rb_node **link;
	unsigned int black;
};

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* A tree that could be one of the kernel's: no red node has a red child, and on all ways down are as many black ones. */
static void grow(struct rb_root *root, unsigned int black, u64 seed)
{
	/* Of a tree of six levels, one on each and the last one's second. */
	struct place places[2 * MOST_BLACK + 2];
	unsigned int count = 1;

	*root = RB_ROOT;
	used = 0;
	places[0] = (struct place){ NULL, &root->rb_node, black };
	while (count) {
		struct place place = places[--count];
		bool may_be_red = place.parent && rb_is_black(place.parent);
		bool is_red = may_be_red && next_random(&seed) % 2;
		struct rb_node *node;

		if (!place.black && !is_red)
			continue;

		node = &nodes[used++];
		rb_link_node(node, place.parent, place.link);
		if (!is_red) {
			rb_set_parent_color(node, place.parent, RB_BLACK);
			place.black--;
		}
		places[count++] = (struct place){ node, &node->rb_left, place.black };
		places[count++] = (struct place){ node, &node->rb_right, place.black };
	}
}

GPUFAS_ENTRY(erases_easily, "erase each node of trees, and compare what was said before with what the kernel's code asks for",
	     unsigned int, trees, unsigned long, seed)
{
	unsigned int tree, number, easy = 0, hard = 0, black, count;
	struct rb_root root;

	for (tree = 0; tree < trees; tree++) {
		black = 1 + tree % MOST_BLACK;
		number = 0;
		do {
			bool is_easy, needs_balance;

			grow(&root, black, seed + tree);
			count = used;
			is_easy = gpufas_rb_erases_easily(&nodes[number]);
			needs_balance = __rb_erase_augmented(&nodes[number], &root, &gpufas_rb_callbacks);
			if (is_easy == needs_balance)
				return -EINVAL;
			easy += is_easy;
			hard += !is_easy;
		} while (++number < count);
	}

	gpufas_log("%u are easy to erase, %u are not\n", easy, hard);
	return easy && hard ? 0 : -ERANGE;
}
