// SPDX-License-Identifier: GPL-2.0
/*
 * Counters whose parts the CPUs keep to themselves (lib/percpu_counter.c,
 * mm/vmstat.c). Whoever counts from outside adds to the whole.
 */
#include <gpufas/functions/locks.h>

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/vmstat.h>

KERNEL_FUNCTION(percpu_counter_add_batch);
void KERNEL(percpu_counter_add_batch)(struct percpu_counter *counter, s64 amount, s32 batch)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&counter->lock, flags);
	counter->count += amount;
	raw_spin_unlock_irqrestore(&counter->lock, flags);
}

KERNEL_FUNCTION(__percpu_counter_sum);
s64 KERNEL(__percpu_counter_sum)(struct percpu_counter *counter)
{
	s64 sum = counter->count;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(counter->counters, cpu);
	return sum;
}

#define ZONE_FUNCTION(name)							\
	KERNEL_FUNCTION(name);							\
	void KERNEL(name)(struct zone *zone, enum zone_stat_item item, long delta) \
	{									\
		zone_page_state_add(delta, zone, item);				\
	}

ZONE_FUNCTION(__mod_zone_page_state)
ZONE_FUNCTION(mod_zone_page_state)

/* Some are counted in bytes on one side and in pages on the other. */
#define NODE_FUNCTION(name)							\
	KERNEL_FUNCTION(name);							\
	void KERNEL(name)(struct pglist_data *node, enum node_stat_item item, long delta) \
	{									\
		if (vmstat_item_in_bytes(item))					\
			delta >>= PAGE_SHIFT;					\
		node_page_state_add(delta, node, item);				\
	}

NODE_FUNCTION(__mod_node_page_state)
NODE_FUNCTION(mod_node_page_state)
