/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reference counts and counters of many CPUs, with what programs have in the
 * place of the kernel's functions. Natively counters are a model: a program
 * adds to the whole, the kernel to its CPU's part, and their sum is the same.
 */
#include "scene.h"

#include <linux/mmzone.h>
#include <linux/percpu_counter.h>
#include <linux/refcount.h>
#include <linux/vmstat.h>

GPUFAS_ENTRY(functions_refcount, "reference counts, also those that go wrong", unsigned long, root, u32, start, u32, n, u32, what)
{
	struct scene *scene = (struct scene *)root;
	refcount_t *count = (refcount_t *)&scene->out[1];
	int i, result = 0;

	refcount_set(count, start % 4 ? start % 4 : start);
	n &= INT_MAX;
	for (i = 0; i < 4; i++, what >>= 3) {
		switch (what % 8) {
		case 0:
			refcount_inc(count);
			break;
		case 1:
			refcount_add(n, count);
			break;
		case 2:
			result |= refcount_inc_not_zero(count);
			break;
		case 3:
			result |= refcount_add_not_zero(n, count) << 1;
			break;
		case 4:
			refcount_dec(count);
			break;
		case 5:
			result |= refcount_dec_and_test(count) << 2;
			break;
		case 6:
			result |= refcount_sub_and_test(n, count) << 3;
			break;
		default:
			result |= refcount_read(count) << 4;
		}
		scene->out[2 + i] = refcount_read(count);
	}
	return result;
}

DECLARE_PER_CPU(u32, scene_word);

/* Counters in the kernel's memory. */
static struct percpu_counter *counter_in(struct scene *scene, s64 count)
{
	struct percpu_counter *counter = (struct percpu_counter *)scene->bytes;

	memset(counter, 0, sizeof(*counter));
	counter->count = count;
	counter->counters = (s32 __percpu *)&scene_word;
	return counter;
}

#ifdef DIFFERENTIAL_NATIVE
static void add(struct percpu_counter *counter, s64 amount, s32 batch)
{
	counter->count += amount;
}

static s64 sum_of(struct percpu_counter *counter)
{
	s64 sum = counter->count;
	int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (__cpu_possible_mask.bits[cpu / 64] >> cpu % 64 & 1)
			sum += *per_cpu_ptr(counter->counters, cpu);
	return sum;
}
#else
#define add	percpu_counter_add_batch
#define sum_of	__percpu_counter_sum
#endif

GPUFAS_ENTRY(functions_counter, "counters of which each CPU has a part", unsigned long, root, s64, count, s64, amount, s32, batch)
{
	struct scene *scene = (struct scene *)root;
	struct percpu_counter *counter = counter_in(scene, count);

	scene->out[0] = sum_of(counter);
	add(counter, amount, batch);
	scene->out[1] = counter->count;
	scene->out[2] = sum_of(counter);
	return 0;
}

#ifdef DIFFERENTIAL_NATIVE
static void add_zone(struct zone *zone, enum zone_stat_item item, long delta)
{
	zone->vm_stat[item].counter += delta;
	vm_zone_stat[item].counter += delta;
}

/* include/linux/mmzone.h: slabs are counted in bytes. */
static void add_node(struct pglist_data *node, enum node_stat_item item, long delta)
{
	if (item == NR_SLAB_RECLAIMABLE_B || item == NR_SLAB_UNRECLAIMABLE_B)
		delta >>= PAGE_SHIFT;
	node->vm_stat[item].counter += delta;
	vm_node_stat[item].counter += delta;
}
#else
#define add_zone	mod_zone_page_state
#define add_node	mod_node_page_state
#endif

GPUFAS_ENTRY(functions_pages, "counters of pages", unsigned long, root, u32, item, s64, delta)
{
	struct scene *scene = (struct scene *)root;
	/* Of a zone and a node there is nothing but the counters. */
	struct zone *zone = (void *)scene->bytes - offsetof(struct zone, vm_stat);
	struct pglist_data *node = (void *)scene->bytes + 4096 - offsetof(struct pglist_data, vm_stat);

	/* Of CPUs' parts that are counted in bytes nobody adds less than a page. */
	add_zone(zone, item % NR_VM_ZONE_STAT_ITEMS, delta >> 8);
	add_node(node, item % NR_VM_NODE_STAT_ITEMS, delta >> 8);
	add_node(node, NR_SLAB_RECLAIMABLE_B + item % 2, delta >> 8 << PAGE_SHIFT);
	return 0;
}
