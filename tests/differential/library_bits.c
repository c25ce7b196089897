/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own bitmaps. */
/* Kernel sources: lib/find_bit.c lib/bitmap.c */
#include "scene.h"

#include <linux/bitmap.h>

#define BITS	(BITMAP_WORDS * 64)

/* Room for nine bitmaps. */
static unsigned long *words(struct scene *scene, int which)
{
	return (unsigned long *)scene->large[which]->words;
}

GPUFAS_ENTRY(library_find, "find_next_bit() and its like", unsigned long, root, u32, start, u32, size)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap, *other = words(scene, 0);

	start %= BITS;
	size = size % BITS + 1;
	scene->out[0] = find_next_bit(map, size, start);
	scene->out[1] = find_next_zero_bit(map, size, start);
	scene->out[2] = find_next_and_bit(map, other, size, start);
	scene->out[3] = find_last_bit(map, size);
	scene->out[4] = find_first_bit(other, size);
	scene->out[5] = find_first_zero_bit(other, size);
	scene->out[6] = find_first_and_bit(map, other, size);
	scene->out[7] = find_next_andnot_bit(map, other, size, start);
	scene->out[8] = bitmap_find_next_zero_area(map, size, start, start % 9 + 1, 3);
	return scene->out[0];
}

GPUFAS_ENTRY(library_bitmaps, "and, or, not and comparisons", unsigned long, root, u32, size)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap, *to = words(scene, 0), *other = words(scene, 1);

	size = size % BITS + 1;
	scene->out[0] = bitmap_and(to, map, other, size);
	scene->out[1] = bitmap_weight(to, size);
	bitmap_or(to + 8, map, other, size);
	bitmap_xor(to + 16, map, other, size);
	scene->out[2] = bitmap_andnot(to + 24, map, other, size);
	bitmap_complement(to + 32, map, size);
	bitmap_replace(to + 40, map, other, to + 16, size);
	scene->out[3] = bitmap_equal(to, map, size) | bitmap_subset(to, map, size) << 1 |
			bitmap_intersects(map, other, size) << 2 | bitmap_full(map, size) << 3 |
			bitmap_or_equal(map, other, to + 8, size) << 4;
	return bitmap_weight(map, size);
}

GPUFAS_ENTRY(library_shifts, "shifts and ranges", unsigned long, root, u32, shift, u32, start, u32, count)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap, *to = words(scene, 0);

	shift %= BITS;
	start %= BITS;
	count %= BITS - start;
	bitmap_shift_left(to, map, shift, BITS);
	bitmap_shift_right(to + 8, map, shift, BITS);
	bitmap_cut(to + 16, map, start, count, BITS);
	bitmap_copy(to + 24, map, BITS);
	bitmap_set(to + 24, start, count);
	bitmap_copy(to + 32, map, BITS);
	bitmap_clear(to + 32, start, count);
	bitmap_to_arr32((u32 *)(to + 40), map, BITS);
	bitmap_from_arr32(to + 48, scene->numbers, BITS);
	return bitmap_weight(to + 24, BITS);
}

GPUFAS_ENTRY(library_remap, "numbers of bits in other numbers of bits", unsigned long, root, u32, bit, u32, fold)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap, *to = words(scene, 0), *other = words(scene, 1);

	bitmap_remap(to, map, other, other + 8, BITS);
	scene->out[0] = bitmap_bitremap(bit % BITS, other, other + 8, BITS);
	bitmap_onto(to + 8, map, other, BITS);
	bitmap_fold(to + 16, map, fold % BITS + 1, BITS);
	scene->out[1] = bitmap_find_free_region(to + 16, BITS, fold % 5);
	return scene->out[0];
}
