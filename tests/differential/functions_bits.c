/* SPDX-License-Identifier: GPL-2.0 */
/* Maps of bits of any size, with what programs have in the place of the kernel's functions. */
/* Native sources: lib/find_bit.c lib/bitmap.c */
#include "scene.h"

#include <linux/bitmap.h>

#define BITS	(BITMAP_WORDS * 64)

/* Room for nine maps. */
static unsigned long *map_of(struct scene *scene, int which)
{
	return (unsigned long *)scene->large[0]->words + which * BITMAP_WORDS;
}

GPUFAS_ENTRY(functions_find, "the first, next and last bit", unsigned long, root, u32, start, u32, size)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *a = scene->bitmap, *b = map_of(scene, 0);

	size %= BITS + 1;
	start %= BITS + 8;
	scene->out[0] = find_first_bit(a, size);
	scene->out[1] = find_first_zero_bit(a, size);
	scene->out[2] = find_first_and_bit(a, b, size);
	scene->out[3] = find_last_bit(a, size);
	scene->out[4] = find_next_bit(a, size, start);
	scene->out[5] = find_next_zero_bit(a, size, start);
	scene->out[6] = find_next_and_bit(a, b, size, start);
	scene->out[7] = find_next_andnot_bit(a, b, size, start);
	scene->out[8] = find_nth_bit(a, size, start % 300);
	scene->out[9] = find_nth_and_bit(a, b, size, start % 150);
	scene->out[10] = find_nth_andnot_bit(a, b, size, start % 150);
	return find_nth_bit(a, size, 0);
}

GPUFAS_ENTRY(functions_find_few, "the same in maps with few bits", unsigned long, root, u32, start, u32, size, u32, bit)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *few = map_of(scene, 1), *most = map_of(scene, 2);

	size %= BITS + 1;
	start %= BITS + 8;
	memset(few, 0, BITS / 8);
	memset(most, 0xff, BITS / 8);
	few[bit / 64 % BITMAP_WORDS] |= 1UL << bit % 64;
	most[bit / 64 % BITMAP_WORDS] &= ~(1UL << bit % 64);
	scene->out[0] = find_first_bit(few, size);
	scene->out[1] = find_first_zero_bit(most, size);
	scene->out[2] = find_last_bit(few, size);
	scene->out[3] = find_next_bit(few, size, start);
	scene->out[4] = find_next_zero_bit(most, size, start);
	scene->out[5] = find_next_andnot_bit(few, most, size, start);
	return find_next_and_bit(few, most, size, start);
}

GPUFAS_ENTRY(functions_combine, "combinations of maps", unsigned long, root, u32, size)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *a = scene->bitmap, *b = map_of(scene, 0);

	size %= BITS + 1;
	scene->out[0] = __bitmap_and(map_of(scene, 1), a, b, size);
	scene->out[1] = __bitmap_andnot(map_of(scene, 2), a, b, size);
	__bitmap_or(map_of(scene, 3), a, b, size);
	__bitmap_xor(map_of(scene, 4), a, b, size);
	__bitmap_complement(map_of(scene, 5), a, size);
	__bitmap_replace(map_of(scene, 6), a, b, map_of(scene, 7), size);
	scene->out[2] = __bitmap_and(b, a, b, size);
	return __bitmap_andnot(a, a, b, size);
}

GPUFAS_ENTRY(functions_compare, "comparisons of maps", unsigned long, root, u32, size, u32, bit)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *a = scene->bitmap, *b = map_of(scene, 0), *c = map_of(scene, 1);
	int i;

	size %= BITS + 1;
	/* Equal but for one bit, which may be beyond the end. */
	memcpy(b, a, BITS / 8);
	b[bit / 64 % BITMAP_WORDS] ^= 1UL << bit % 64;
	for (i = 0; i < BITMAP_WORDS; i++)
		c[i] = a[i] & ~b[i];
	scene->out[0] = __bitmap_equal(a, b, size);
	scene->out[1] = __bitmap_subset(a, b, size);
	scene->out[2] = __bitmap_subset(b, a, size);
	scene->out[3] = __bitmap_intersects(c, b, size);
	scene->out[4] = __bitmap_or_equal(a, c, b, size);
	scene->out[5] = __bitmap_or_equal(c, b, a, size);
	scene->out[6] = __bitmap_weight(a, size);
	scene->out[7] = __bitmap_weight_and(a, b, size);
	return __bitmap_intersects(a, c, size);
}

GPUFAS_ENTRY(functions_shift, "shifts", unsigned long, root, u32, shift, u32, size)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap;

	size %= BITS + 1;
	shift %= size + 1;
	__bitmap_shift_left(map_of(scene, 1), map, shift, size);
	__bitmap_shift_right(map_of(scene, 2), map, shift, size);
	memcpy(map_of(scene, 3), map, BITS / 8);
	__bitmap_shift_left(map_of(scene, 3), map_of(scene, 3), shift, size);
	__bitmap_shift_right(map, map, shift, size);
	return 0;
}

GPUFAS_ENTRY(functions_ranges, "ranges of bits", unsigned long, root, u32, start, u32, count)
{
	struct scene *scene = (struct scene *)root;

	start %= BITS;
	count %= BITS - start + 1;
	__bitmap_set(scene->bitmap, start, count);
	__bitmap_clear(map_of(scene, 0), start, count);
	__bitmap_clear(scene->bitmap, start / 2, count / 3);
	return 0;
}
