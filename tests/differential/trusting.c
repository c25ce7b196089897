/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code that trusts what it reads, as a kernel may: right for every scene, but
 * where memory is corrupt, C would leave open what happens. A recovery program
 * has to end with a report.
 */
#include "scene.h"

#include <linux/bug.h>

static const u32 factors[LEVELS] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53 };

GPUFAS_ENTRY(trusting_index, "indices from memory", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	u32 counts[KINDS] = {}, last[LEVELS] = {};
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		counts[item->kind]++;
		last[item->level] = item->id;
		sum += factors[item->level] * last[item->level];
	}
	scene->out[0] = sum;
	return counts[3];
}

GPUFAS_ENTRY(trusting_switch, "a switch without a default", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		switch (item->kind) {
		case 0: sum += item->weight; break;
		case 1: sum -= item->id; break;
		case 2: item->id++; break;
		case 3: sum ^= item->sign; break;
		case 4: sum += item->key; break;
		case 5: item->flag = !item->flag; break;
		case 6: sum *= 3; break;
		case 7: item->flags = sum; break;
		case 8: sum = -sum; break;
		case 9: sum += item->data[0]; break;
		case 10: item->array8[1]++; break;
		case 11: sum += item->array16[2]; break;
		default: unreachable();
		}
	}
	return sum;
}

GPUFAS_ENTRY(trusting_flag, "a truth value from memory", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	static const u32 values[2] = { 10, 20 };
	u32 counts[2] = {};
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		bool flag = item->flag;

		sum += values[flag];
		counts[flag] += item->id;
		switch ((int)flag) {
		case 0: item->weight += 5; break;
		case 1: item->weight -= 7; break;
		}
	}
	return sum + counts[0] * 3 + counts[1];
}

GPUFAS_ENTRY(trusting_division, "a divisor from memory", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum += value / item->divisor + value % item->data_size;
		if (item->weight > 0)
			sum += (s64)value / item->weight;
		sum += (s32)value / (s32)(item->divisor | BIT(31));
	}
	scene->out[0] = sum;
	return sum;
}

GPUFAS_ENTRY(trusting_shift, "shifts by what memory says", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	u8 own[64] = {};
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum += 1UL << item->level;
		own[item->level * 3]++;
		if (item->level < 40)
			own[item->level]++;
		sum ^= item->key >> item->kind;
	}
	scene->out[0] = sum;
	return own[9];
}

GPUFAS_ENTRY(trusting_assertion, "assertions", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;

	list_for_each_entry(item, &scene->items, list) {
		BUG_ON(item->kind >= KINDS);
		item->array16[item->kind % 5] += item->level;
		__builtin_assume(item->level < LEVELS);
		if (item->level >= LEVELS)
			scene->out[1]++;
	}
	return 0;
}

static noinline struct item *not_null(struct item *item) __attribute__((returns_nonnull));
static noinline struct item *not_null(struct item *item)
{
	item->id++;
	return item->peer ?: item;
}

GPUFAS_ENTRY(trusting_pointer, "pointers that are never NULL", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		struct item *other = not_null(item);

		sum += *other->data + other->data[other->data_size - 1];
		if (*other->slot)
			sum += (*other->slot)->key;
		sum += strlen(other->name);
	}
	scene->out[0] = sum;
	return 0;
}

GPUFAS_ENTRY(trusting_length, "lengths from memory", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	u64 own[8];
	struct item *item;
	u32 i;

	list_for_each_entry(item, &scene->items, list) {
		memset(own, number, sizeof(own));
		memcpy(own, item->data, min_t(size_t, item->data_size * 8, sizeof(own)));
		memcpy(own, &item->array64, (item->kind % 4) * 8);
		for (i = 0; i < item->data_size; i++)
			item->data[i] ^= own[i % 8];
		memmove(scene->bytes, scene->bytes + item->level, item->data_size);
		memset(own, 0, item->level * 4);
		item->key ^= own[7];
	}
	return 0;
}
