/* SPDX-License-Identifier: GPL-2.0 */
/* The program's own memory, alone and mixed with the kernel's. */
#include "scene.h"

GPUFAS_ENTRY(own_histogram, "own arrays with variable index", unsigned long, root, u32, shift)
{
	struct scene *scene = (struct scene *)root;
	u32 counts[KINDS] = {}, levels[LEVELS][2] = {};
	struct item *item;
	int i, result = 0;

	list_for_each_entry(item, &scene->items, list) {
		counts[item->kind] += item->id;
		levels[item->level][item->flag]++;
	}
	for (i = 0; i < KINDS; i++)
		scene->out[i] = counts[(i + shift) % KINDS];
	for (i = 0; i < LEVELS; i++)
		result = result * 3 + levels[(i ^ shift) % LEVELS][0] - levels[i][1];
	return result;
}

static noinline void increase(u64 *value, u64 by)
{
	*value += by;
}

GPUFAS_ENTRY(own_or_kernel, "pointers that may lead to either memory", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	u64 own = value, others[4] = { 1, 2, 3, 4 };
	u64 *chosen = value & 1 ? &own : &scene->out[0];
	struct item *item;
	int i = 0;

	*chosen += 5;
	increase(chosen, 3);
	increase(&own, 7);
	increase(&scene->out[1], own);
	list_for_each_entry(item, &scene->items, list) {
		chosen = item->flag ? &others[i++ % 4] : &item->key;
		if (item->flag || !(value & 2))
			increase(chosen, value >> 8);
		others[item->level % 4] ^= *chosen;
	}
	scene->out[2] = own;
	memcpy(&scene->out[3], value & 4 ? others : scene->large[0]->words, sizeof(others));
	return own;
}

struct node {
	struct list_head list;
	u64 value;
};

GPUFAS_ENTRY(own_list, "a list of own nodes, joined with the kernel's for a while", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct node nodes[8];
	struct list_head *at;
	LIST_HEAD(own);
	u64 sum = 0;
	int i, length = 0;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		nodes[i].value = i * n;
		if (n & BIT(i))
			list_add(&nodes[i].list, &own);
		else
			list_add_tail(&nodes[i].list, &own);
	}
	list_splice_init(&scene->items, &own);
	list_for_each(at, &own)
		length++;
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		sum = sum * 5 + nodes[i].value;
		list_del(&nodes[i].list);
	}
	list_splice(&own, &scene->items);
	scene->out[0] = sum;
	return length;
}

/* Lives as long as the program runs. */
static u64 history[16];
static u32 history_used;

static noinline void remember(u64 value)
{
	history[history_used++ % ARRAY_SIZE(history)] = value;
}

GPUFAS_ENTRY(own_variables, "variables of the program", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int i;

	/* In a process of its own a program starts with its variables' initial values. */
	memset(history, 0, sizeof(history));
	history_used = 0;
	list_for_each_entry(item, &scene->items, list)
		remember(item->key ^ number);
	for (i = 0; i < ARRAY_SIZE(history); i++)
		scene->out[i] = history[(i + number) % ARRAY_SIZE(history)];
	memcpy(scene->bytes + number % 4000, history, sizeof(history));
	return history_used;
}

static const u16 weights[KINDS] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8 };

static const struct rule {
	u8 kind;
	s8 change;
	u16 bits;
} rules[] = {
	{ 1, -1, 0x10 }, { 2, 5, 0x20 }, { 4, 9, 0x40 }, { 7, -100, 0x80 }, { 11, 0, 0xffff },
};

GPUFAS_ENTRY(own_tables, "constant tables", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int i, sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum += weights[item->kind];
		for (i = 0; i < ARRAY_SIZE(rules); i++) {
			const struct rule *rule = &rules[i];

			if (rule->kind == item->kind) {
				item->weight += rule->change;
				item->flags |= rule->bits;
				break;
			}
		}
	}
	return sum;
}

struct pair {
	struct item *item;
	s32 value;
};

static noinline struct pair best_of(struct pair one, struct pair other)
{
	return one.value >= other.value ? one : other;
}

GPUFAS_ENTRY(own_structures, "own structures that hold kernel pointers", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct pair best = { NULL, S32_MIN }, pairs[4] = {};
	struct item *item;
	int i = 0;

	list_for_each_entry(item, &scene->items, list) {
		struct pair pair = { item, item->weight };

		best = best_of(best, pair);
		pairs[i++ % ARRAY_SIZE(pairs)] = pair;
	}
	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].item)
			pairs[i].item->count.counter = pairs[i].value;
	if (!best.item)
		return -ENOENT;
	scene->slots[1] = best.item;
	return best.value;
}

static noinline void gather(struct scene *scene, struct item **found, int *count, int room)
{
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		if (*count == room)
			return;
		if (item->weight > 0)
			found[(*count)++] = item;
	}
}

GPUFAS_ENTRY(own_results, "a function that fills its caller's variables", unsigned long, root, u32, room)
{
	struct scene *scene = (struct scene *)root;
	struct item *found[16];
	int count = 0, i;

	gather(scene, found, &count, room % (ARRAY_SIZE(found) + 1));
	for (i = count - 1; i >= 0; i--)
		found[i]->id += i;
	return count;
}
