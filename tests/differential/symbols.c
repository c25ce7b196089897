/* SPDX-License-Identifier: GPL-2.0 */
/* Variables of the kernel, whose addresses are known only when a program runs. */
#include "scene.h"

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

/* The generator puts these into the kernel's image. */
extern struct scene *scene_pointer;
extern u64 scene_counter;
extern u32 scene_table[64];
extern struct list_head scene_list;
DECLARE_PER_CPU(struct item *, scene_current);
DECLARE_PER_CPU(u64, scene_ticks);
DECLARE_PER_CPU(u32, scene_word);
DECLARE_PER_CPU(u16, scene_half);
DECLARE_PER_CPU(u8, scene_byte);

GPUFAS_ENTRY(symbol_variables, "read and write variables of the kernel", unsigned long, root, u64, value)
{
	struct scene *scene = scene_pointer;

	if ((unsigned long)scene != root)
		return -EINVAL;
	scene_counter += value;
	scene->out[0] = scene_counter;
	xchg(&scene_counter, scene_counter ^ value);
	return scene_counter;
}

GPUFAS_ENTRY(symbol_array, "an array of the kernel", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	u32 i, sum = 0;

	for (i = 0; i < ARRAY_SIZE(scene_table); i++)
		sum = sum * 3 + scene_table[i];
	scene_table[number % ARRAY_SIZE(scene_table)] = sum;
	scene_table[7]++;
	memcpy(scene->out, scene_table, sizeof(scene_table) / 2);
	memmove(scene_table, scene_table + number % 8, 96);
	return sum;
}

static noinline u64 *counter_or(struct scene *scene, u32 which)
{
	switch (which % 4) {
	case 0:
		return &scene_counter;
	case 1:
		return &scene->out[5];
	case 2:
		return (u64 *)&scene_table[which % 60 & ~1];
	default:
		return scene->first ? &scene->first->key : &scene_counter;
	}
}

GPUFAS_ENTRY(symbol_choice, "addresses of variables as values", unsigned long, root, u32, which)
{
	struct scene *scene = (struct scene *)root;
	u64 *chosen = counter_or(scene, which);

	*chosen += which;
	scene->out[0] = chosen == &scene_counter;
	scene->out[1] = (unsigned long)&scene_table[5] - (unsigned long)&scene_table;
	/* a pointer to a variable of the kernel, left in the kernel */
	scene_pointer = which & 1 ? scene : NULL;
	return *chosen;
}

GPUFAS_ENTRY(symbol_list, "a list whose head is a variable", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int count = 0;

	INIT_LIST_HEAD(&scene_list);
	list_splice_init(&scene->items, &scene_list);
	list_for_each_entry(item, &scene_list, list)
		count++;
	return count;
}

GPUFAS_ENTRY(symbol_per_cpu, "per-CPU variables", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	int cpu, sum = 0;

	/* The generator makes four CPUs. */
	for (cpu = 0; cpu < 4; cpu++) {
		struct item *item = per_cpu(scene_current, (cpu + number) % 4);
		u64 *ticks = per_cpu_ptr(&scene_ticks, cpu);

		*ticks += number;
		scene->out[cpu] = *ticks;
		if (item)
			sum += item->id;
	}
	per_cpu(scene_current, number % 4) = scene->first;
	return sum;
}

GPUFAS_ENTRY(symbol_this_cpu, "variables of this CPU", unsigned long, root, u64, value, u32, number)
{
	struct scene *scene = (struct scene *)root;
	u64 *ticks = this_cpu_ptr(&scene_ticks);
	unsigned long flags;

	scene->out[0] = raw_smp_processor_id();
	scene->out[1] = (unsigned long)current == root;
	scene->out[2] = this_cpu_read(scene_ticks) == per_cpu(scene_ticks, smp_processor_id());
	local_save_flags(flags);
	scene->out[3] = irqs_disabled_flags(flags);
	*ticks += value;
	this_cpu_inc(scene_ticks);
	this_cpu_sub(scene_word, number);
	this_cpu_or(scene_word, 0x100);
	__this_cpu_and(scene_half, (u16)value);
	scene->out[4] = this_cpu_xchg(scene_ticks, value);
	scene->out[5] = this_cpu_cmpxchg(scene_word, number, 7) + this_cpu_add_return(scene_half, number);
	this_cpu_write(scene_byte, (u8)number);
	__this_cpu_dec(scene_byte);
	scene->out[6] = this_cpu_xchg(scene_byte, 5) + __this_cpu_cmpxchg(scene_ticks, value, 3);
	return this_cpu_read(scene_word);
}
