/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory that --allocation own gives away: one variable of the program's.
 *
 * A buddy allocator: blocks of a power of two of bytes, each at a multiple of its
 * size, in a binary tree whose leaves are the smallest blocks. What it knows lies
 * beside the blocks, so that a program that writes beyond one cannot mislead it,
 * and is all zeros at first, so that nothing has to be prepared.
 */
#ifndef _GPUFAS_ARENA_H
#define _GPUFAS_ARENA_H

#include <gpufas/functions/functions.h>

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

/* The runtime's: what is at this address cannot be freed, so that the program ends. */
void gpufas_not_allocated(const void *memory) __noreturn;

#define ARENA_SHIFT	24	/* 16 MiB in all; docs/meaning.md says so */
#define LEAF_SHIFT	6	/* 64 bytes: no cache line, and no alignment of kmalloc()'s, is larger */
#define TOP_ORDER	(ARENA_SHIFT - LEAF_SHIFT)

/* Blocks are aligned up to the size of the largest that kmalloc() gives. */
#define ARENA_ALIGNMENT	KMALLOC_MAX_SIZE

static char arena_memory[(1UL << ARENA_SHIFT) + ARENA_ALIGNMENT];

/*
 * For each block of the tree: how much less than all of it is free in one piece. With
 * a block of order o whose largest free part is of order f that is o - f; o + 1
 * if nothing is free. The top is number 1, and the halves of n are 2n and 2n + 1.
 * Of a block that is allocated as a whole, its parts still count as free.
 */
static u8 arena_used[2UL << TOP_ORDER];

static char *arena_start(void)
{
	return PTR_ALIGN(&arena_memory[0], ARENA_ALIGNMENT);
}

/* One more than the order of the largest free part of a block, 0 if there is none. */
static unsigned int arena_free(unsigned long block, unsigned int order)
{
	return order + 1 - arena_used[block];
}

/* Corrects what is known of all blocks around one that has changed. */
static void arena_update(unsigned long block, unsigned int order)
{
	while (block > 1) {
		unsigned int low, high;

		block /= 2;
		low = arena_free(2 * block, order);
		high = arena_free(2 * block + 1, order);
		order++;
		/* Two halves that are free as a whole are one block again. */
		arena_used[block] = low == order && high == order ? 0 : order + 1 - max(low, high);
	}
}

static unsigned int arena_order(unsigned long size)
{
	return size <= 1UL << LEAF_SHIFT ? 0 : fls64(size - 1) - LEAF_SHIFT;
}

static unsigned long arena_bytes(unsigned int order)
{
	return 1UL << (order + LEAF_SHIFT);
}

/* A block of at least @size bytes, which is not 0, or NULL. */
static noinline void *arena_take(unsigned long size)
{
	unsigned long block = 1;
	unsigned int order = TOP_ORDER, wanted = arena_order(size);

	if (wanted >= arena_free(block, order))
		return NULL;
	while (order > wanted) {
		order--;
		block *= 2;
		if (wanted >= arena_free(block, order))
			block++;
	}
	arena_used[block] = order + 1;
	arena_update(block, order);
	return arena_start() + (block - (1UL << (TOP_ORDER - order))) * arena_bytes(order);
}

/* The block that is allocated at an address, and its order; 0 if there is none. */
static unsigned long arena_find(const void *memory, unsigned int *order)
{
	unsigned long offset = (unsigned long)memory - (unsigned long)arena_start();
	unsigned long block = (1UL << TOP_ORDER) + (offset >> LEAF_SHIFT);

	if (offset >= 1UL << ARENA_SHIFT)
		return 0;
	/* The first around the smallest of which nothing is free: its parts do not say so. */
	for (*order = 0; block && arena_free(block, *order); ++*order)
		block /= 2;
	return block && !(offset & (arena_bytes(*order) - 1)) ? block : 0;
}

/* How many bytes are allocated at an address, 0 if none are. */
static noinline unsigned long arena_size(const void *memory)
{
	unsigned int order;

	return arena_find(memory, &order) ? arena_bytes(order) : 0;
}

/* Frees a block; whether there was one at that address. */
static noinline bool arena_give(const void *memory)
{
	unsigned int order;
	unsigned long block = arena_find(memory, &order);

	if (!block)
		return false;
	arena_used[block] = 0;
	arena_update(block, order);
	return true;
}

#endif /* _GPUFAS_ARENA_H */
