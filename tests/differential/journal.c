/* SPDX-License-Identifier: GPL-2.0 */
/* What the journal must hold: each returns the number of its stores to kernel memory, of at most 8 bytes each. */
#include "scene.h"

GPUFAS_ENTRY(journal_single, "stores one by one", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	volatile u64 own[4] = {};
	struct item *item;
	int stores = 0;

	list_for_each_entry(item, &scene->items, list) {
		WRITE_ONCE(item->weight, n);
		WRITE_ONCE(item->weight, n + 1);
		WRITE_ONCE(item->flags, item->flags);
		own[stores % 4] = n;
		atomic_inc(&item->count);
		set_bit(n % 64, &item->flags);
		stores += 5;
		if (READ_ONCE(item->key) & 1) {
			WRITE_ONCE(item->sign, n);
			stores++;
		}
	}
	return stores;
}

GPUFAS_ENTRY(journal_wide, "a store of 16 bytes makes two entries", unsigned long, root, u64, n)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int stores = 0;

	list_for_each_entry(item, &scene->items, list) {
		*(volatile unsigned __int128 *)&item->big += n;
		stores += 2;
	}
	return stores;
}

GPUFAS_ENTRY(journal_failed_exchange, "an exchange that fails stores what was there", unsigned long, root, u64, n)
{
	struct scene *scene = (struct scene *)root;
	u64 old = scene->out[0] + 1;

	return 1 + try_cmpxchg(&scene->out[0], &old, n);
}

GPUFAS_ENTRY(journal_none, "a program that only reads", unsigned long, root, u64, n)
{
	struct scene *scene = (struct scene *)root;
	u64 own[16] = {};
	struct item *item;

	list_for_each_entry(item, &scene->items, list)
		own[item->key % 16] += item->id * n;
	return own[0] == own[1] && own[2] == own[3] && own[4] == own[5] && scene->text[0] == 1 ? -1 : 0;
}
