/* SPDX-License-Identifier: GPL-2.0 */
/* What C, as the kernel is written in it, has and no target but a CPU: it is made of something else on the way. */
#include "scene.h"
#include <linux/stdarg.h>

struct pair {
	u64 first, second;
};

struct wide {
	u64 words[3];
	u8 last;
};

/* Each letter is the type of an argument. */
static noinline u64 sum_list(const char *types, va_list *list)
{
	u64 sum = 0;

	for (; *types; types++) {
		switch (*types) {
		case 'i':
			sum = sum * 3 + va_arg(*list, int);
			break;
		case 'l':
			sum = sum * 5 + va_arg(*list, long);
			break;
		case 's':
			sum = sum * 7 + *va_arg(*list, const char *);
			break;
		case 'q':
			sum = sum * 11 + (u64)(va_arg(*list, unsigned __int128) >> 60);
			break;
		case 'p': {
			struct pair pair = va_arg(*list, struct pair);

			sum = sum * 13 + pair.first - pair.second;
			break;
		}
		case 'w': {
			struct wide wide = va_arg(*list, struct wide);

			sum = sum * 17 + wide.words[2] + wide.last;
			break;
		}
		}
	}
	return sum;
}

static noinline u64 sum(const char *types, ...)
{
	va_list list, again;
	u64 once, twice;

	va_start(list, types);
	va_copy(again, list);
	once = sum_list(types, &list);
	twice = sum_list(types, &again);
	va_end(again);
	va_end(list);
	return once + 2 * twice;
}

GPUFAS_ENTRY(language_arguments, "variable arguments of all kinds", unsigned long, root, u64, a, u32, b)
{
	struct scene *scene = (struct scene *)root;
	struct pair pair = { a ^ 5, b };
	struct wide wide = { { 1, a, a * b }, b };
	unsigned __int128 wider = (unsigned __int128)a * b;
	u64 (*pointed)(const char *types, ...) = a & 1 ? sum : NULL;

	scene->out[0] = sum("");
	scene->out[1] = sum("ilil", b, a, -1, -2L);
	scene->out[2] = sum("iqiqpw", 3, wider, (short)b, wider >> 3, pair, wide);
	scene->out[3] = sum("llllllllilslws", a, a, a, a, a, a, a, a, b, a, "xyz", -a, wide, "q");
	scene->out[4] = sum("pipi", pair, (char)b, pair, b);
	/* The kernel's memory as an argument that is passed by value. */
	scene->out[5] = sum("w", *(struct wide *)scene->large[0]->words);
	return pointed != NULL;
}

/* Lists whose initial values are their own addresses. */
static LIST_HEAD(empty);
static struct ring {
	struct ring *next;
	struct list_head heads[2];
	const char *name;
} ring[2] = {
	{ &ring[1], { LIST_HEAD_INIT(ring[0].heads[0]), LIST_HEAD_INIT(ring[0].heads[1]) }, "first" },
	{ &ring[0], { LIST_HEAD_INIT(ring[1].heads[0]), LIST_HEAD_INIT(ring[1].heads[1]) }, &"second"[1] },
};

static struct list_head *const chosen[] = { &empty, &ring[1].heads[1] };

struct node {
	struct list_head list;
	u32 value;
};

GPUFAS_ENTRY(language_initial_values, "initial values that are addresses", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct node nodes[4], *node, *next;
	u64 result = 0;
	int i;

	scene->out[0] = list_empty(&empty) + 2 * list_empty(&ring[n % 2].heads[1]);
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		nodes[i].value = n + i;
		list_add_tail(&nodes[i].list, chosen[(n >> i) & 1]);
	}
	for (i = 0; i < 2; i++)
		list_for_each_entry_safe(node, next, chosen[i], list) {
			result = result * 7 + node->value;
			list_del(&node->list);
		}
	scene->out[1] = list_empty(&empty) + 2 * list_empty(chosen[1]);
	scene->out[2] = (&ring[n % 2])->next->next == &ring[n % 2];
	return result + ring[n % 2].next->name[n % 4];
}

static noinline u64 meant(u64 value)
{
	return value * 3 + 1;
}

u64 also_called(u64 value) __attribute__((alias("meant")));
u64 weakly_called(u64 value) __attribute__((weak, alias("meant")));
static u64 table[4] = { 2, 3, 5, 7 };
extern u64 also_table[4] __attribute__((alias("table")));

u64 language_weak(u64 value);
__weak noinline u64 language_weak(u64 value)
{
	return value + 11;
}

GPUFAS_ENTRY(language_names, "aliases and weak symbols", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	u64 (*called)(u64) = value & 1 ? also_called : weakly_called;

	scene->out[0] = also_called(value) + weakly_called(value ^ 7);
	scene->out[1] = also_table[value % 4];
	also_table[value % 4] += 4;
	scene->out[2] = table[value % 4];
	table[value % 4] -= 4;
	scene->out[3] = language_weak(value);
	return called != NULL;
}

/* The optimiser makes one bit of it: all that is stored is known. */
static bool was_here;

static noinline bool visit(u32 n)
{
	bool before = was_here;

	was_here = n % 3 != 0;
	return before;
}

GPUFAS_ENTRY(language_bits, "variables of one bit", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	int result = 0, i;

	for (i = 0; i < 8; i++)
		result = result * 2 + visit(n + i);
	scene->out[0] = result;
	was_here = false;
	return result;
}

GPUFAS_ENTRY(language_labels, "computed gotos and addresses of labels", unsigned long, root, u32, program)
{
	static const void *const targets[] = { &&add, &&multiply, &&invert, &&out };
	struct scene *scene = (struct scene *)root;
	u64 value = 1, here = (u64)&&next;
	int steps = 0;

next:
	if (steps == 8)
		goto out;
	goto *targets[(program >> (4 * steps++)) & 3];
add:
	value += 17;
	goto next;
multiply:
	value *= 5;
	goto next;
invert:
	value = ~value;
	goto next;
out:
	scene->out[0] = value;
	scene->out[1] = here != 0;
	return steps;
}
