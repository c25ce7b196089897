/* SPDX-License-Identifier: GPL-2.0 */
/* Operations on bits, most of them inline assembly in the kernel's headers. */
#include "scene.h"

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/swab.h>

#define BITS	(BITMAP_WORDS * BITS_PER_LONG)

GPUFAS_ENTRY(bits_variable, "atomic operations on a bit of a bitmap", unsigned long, root, u32, bit)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap;
	int result = 0;

	set_bit(bit % BITS, map);
	clear_bit((bit + 1) % BITS, map);
	change_bit((bit + 70) % BITS, map);
	result |= test_and_set_bit((bit + 131) % BITS, map) << 0;
	result |= test_and_clear_bit((bit + 190) % BITS, map) << 1;
	result |= test_and_change_bit((bit + 255) % BITS, map) << 2;
	result |= test_bit((bit + 300) % BITS, map) << 3;
	result |= test_and_set_bit_lock((bit + 333) % BITS, map) << 4;
	clear_bit_unlock((bit + 400) % BITS, map);
	return result;
}

GPUFAS_ENTRY(bits_plain, "the same, not atomic", unsigned long, root, u32, bit)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap;
	int result = 0;

	__set_bit(bit % BITS, map);
	__clear_bit((bit + 1) % BITS, map);
	__change_bit((bit + 70) % BITS, map);
	result |= __test_and_set_bit((bit + 131) % BITS, map) << 0;
	result |= __test_and_clear_bit((bit + 190) % BITS, map) << 1;
	result |= __test_and_change_bit((bit + 255) % BITS, map) << 2;
	result |= test_bit((bit + 300) % BITS, map) << 3;
	__clear_bit_unlock((bit + 400) % BITS, map);
	__assign_bit((bit + 450) % BITS, map, bit & 1);
	assign_bit((bit + 460) % BITS, map, !(bit & 2));
	return result;
}

GPUFAS_ENTRY(bits_constant, "bits whose numbers are constant", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	unsigned long *map = scene->bitmap;
	struct item *item = scene->first;
	int result = 0;

	set_bit(3, map);
	clear_bit(13, map);
	change_bit(29, map);
	set_bit(63, map);
	set_bit(64, map);
	clear_bit(200, map);
	result |= test_bit(100, map) << 0;
	result |= test_and_set_bit(127, map) << 1;
	result |= test_and_clear_bit(128, map) << 2;
	if (!item)
		return result;
	set_bit(0, &item->flags);
	clear_bit(31, &item->flags);
	change_bit(32, &item->flags);
	result |= test_bit(5, &item->flags) << 3;
	result |= clear_bit_unlock_is_negative_byte(7, &item->flags) << 4;
	return result;
}

GPUFAS_ENTRY(bits_find, "first and last bits", unsigned long, root, u64, word)
{
	struct scene *scene = (struct scene *)root;
	int i;

	for (i = 0; i < BITMAP_WORDS; i++) {
		u64 value = scene->bitmap[i] ^ word;

		if (value) {
			scene->out[i] = __ffs(value) | __fls(value) << 8;
			if (~value)
				scene->out[i] |= ffz(value) << 16;
		}
		scene->out[i + 8] = ffs(value) | fls(value) << 8 | (u64)fls64(value) << 16;
		scene->out[i + 16] = ffs(value >> 32) | fls_long(value) << 8;
		if (value)
			scene->out[i + 24] = ilog2(value) | (u64)order_base_2(value >> 2) << 8;
	}
	return is_power_of_2(word);
}

GPUFAS_ENTRY(bits_weight, "how many bits are set", unsigned long, root, u64, word)
{
	struct scene *scene = (struct scene *)root;
	int i, sum = 0;

	for (i = 0; i < BITMAP_WORDS; i++) {
		u64 value = scene->bitmap[i] & word;

		sum += hweight8(value) + hweight16(value) * 3 + hweight32(value) * 5 +
		       hweight64(value) * 7 + hweight_long(~value) * 11;
	}
	return sum;
}

GPUFAS_ENTRY(bits_rotate, "rotations, swaps, orders of bytes", unsigned long, root, u32, by)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;
	u64 word = scene->bitmap[0];

	out[0] = rol64(word, by % 64);
	out[1] = ror64(word, by % 64);
	out[2] = rol32(word, by % 32);
	out[3] = ror32(word, by % 32);
	out[4] = rol16(word, by % 16);
	out[5] = ror8(word, by % 8);
	out[6] = swab64(word);
	out[7] = swab32(word) | (u64)swab16(word) << 32;
	out[8] = (__force u64)cpu_to_be64(word) + be32_to_cpu((__force __be32)word);
	out[9] = swahw32(word) + swahb32(word);
	out[10] = sign_extend64(word, by % 64);
	out[11] = (s64)sign_extend32(word, by % 32);
	return be16_to_cpu((__force __be16)word);
}

GPUFAS_ENTRY(bits_hash, "hash functions of the headers", unsigned long, root, u32, seed)
{
	struct scene *scene = (struct scene *)root;
	u64 *out = scene->out;

	out[0] = hash_64(scene->bitmap[1], 17);
	out[1] = hash_32(scene->bitmap[2], 9);
	out[2] = jhash(scene->bytes + seed % 64, seed % 301, seed);
	out[3] = jhash2(scene->numbers, seed % 61, seed);
	out[4] = jhash_3words(out[0], out[1], seed, 7);
	out[5] = roundup_pow_of_two(seed / 2 + 1);
	out[6] = rounddown_pow_of_two(seed | 1);
	return 0;
}

#define PART_LOW	GENMASK(6, 0)
#define PART_MIDDLE	GENMASK_ULL(40, 17)

GPUFAS_ENTRY(bits_fields, "bitfield.h", unsigned long, root, u32, value)
{
	struct scene *scene = (struct scene *)root;
	unsigned long word = scene->bitmap[3];

	scene->out[0] = FIELD_GET(PART_MIDDLE, word);
	word = (word & ~PART_LOW) | FIELD_PREP(PART_LOW, value & 0x7f);
	u64p_replace_bits((u64 *)&scene->bitmap[4], value & 0xffff, PART_MIDDLE);
	scene->bitmap[3] = word;
	scene->bitmap[5] = u32_encode_bits(value & 0xff, GENMASK(19, 12));
	return u32_get_bits(word, GENMASK(9, 4));
}

GPUFAS_ENTRY(bits_each, "walk the bits that are set in a word", unsigned long, root, u64, word)
{
	struct scene *scene = (struct scene *)root;
	unsigned long bits = scene->bitmap[0] & word;
	unsigned int bit, i = 0;

	for_each_set_bit(bit, &bits, BITS_PER_LONG)
		scene->out[i++ % OUTS] += bit;
	for_each_clear_bit(bit, &scene->bitmap[1], 32)
		i++;
	if (bitmap_empty(&scene->bitmap[2], 48))
		i += 1000;
	bitmap_and(&scene->bitmap[3], &scene->bitmap[4], &scene->bitmap[5], 60);
	bitmap_complement(&scene->bitmap[6], &scene->bitmap[7], 50);
	return i + bitmap_weight(&scene->bitmap[3], 60);
}

GPUFAS_ENTRY(bits_masks, "change several bits at once", unsigned long, root, u64, mask, u64, bits)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int cleared = 0;

	list_for_each_entry(item, &scene->items, list) {
		scene->out[0] ^= set_mask_bits(&item->flags, mask, bits);
		cleared += bit_clear_unless(&item->flags, bits & 0xff, BIT(9));
	}
	return cleared;
}
