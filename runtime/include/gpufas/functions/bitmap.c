// SPDX-License-Identifier: GPL-2.0
/* Maps of bits (include/linux/bitmap.h says what each does; lib/bitmap.c). */
#include <gpufas/functions/functions.h>

#include <linux/bitmap.h>
#include <linux/bitops.h>

/* Results that say yes or no are int in older kernels. */

/* Words of a map, and those bits of one that belong to it. */
#define WORDS(bits) BITS_TO_LONGS(bits)

static __always_inline unsigned long belonging(unsigned int word, unsigned int bits)
{
	return word < bits / BITS_PER_LONG ? ~0UL : BITMAP_LAST_WORD_MASK(bits);
}

/* What is left of word i of a combination of two maps. */
#define ANY(bits, word) ({						\
	unsigned int i;							\
	bool found = false;						\
									\
	for (i = 0; i < WORDS(bits) && !found; i++)			\
		found = (word) & belonging(i, bits);			\
	found;								\
})

#define WEIGHT(bits, word) ({						\
	unsigned int i, weight = 0;					\
									\
	for (i = 0; i < WORDS(bits); i++)				\
		weight += hweight_long((word) & belonging(i, bits));	\
	weight;								\
})

#define SET(to, bits, word) do {					\
	unsigned int i;							\
									\
	for (i = 0; i < WORDS(bits); i++)				\
		(to)[i] = (word);					\
} while (0)

typeof(__bitmap_equal(NULL, NULL, 0)) KERNEL(__bitmap_equal)(const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	return !ANY(bits, a[i] ^ b[i]);
}

bool KERNEL(__bitmap_or_equal)(const unsigned long *a, const unsigned long *b,
			       const unsigned long *c, unsigned int bits)
{
	return !ANY(bits, (a[i] | b[i]) ^ c[i]);
}

typeof(__bitmap_intersects(NULL, NULL, 0)) KERNEL(__bitmap_intersects)(const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	return ANY(bits, a[i] & b[i]);
}

typeof(__bitmap_subset(NULL, NULL, 0)) KERNEL(__bitmap_subset)(const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	return !ANY(bits, a[i] & ~b[i]);
}

unsigned int KERNEL(__bitmap_weight)(const unsigned long *map, unsigned int bits)
{
	return WEIGHT(bits, map[i]);
}

unsigned int KERNEL(__bitmap_weight_and)(const unsigned long *a, const unsigned long *b,
					 unsigned int bits)
{
	return WEIGHT(bits, a[i] & b[i]);
}

unsigned int KERNEL(__bitmap_weight_andnot)(const unsigned long *a, const unsigned long *b,
					    unsigned int bits)
{
	return WEIGHT(bits, a[i] & ~b[i]);
}

void KERNEL(__bitmap_complement)(unsigned long *to, const unsigned long *map, unsigned int bits)
{
	SET(to, bits, ~map[i]);
}

void KERNEL(__bitmap_or)(unsigned long *to, const unsigned long *a, const unsigned long *b,
			 unsigned int bits)
{
	SET(to, bits, a[i] | b[i]);
}

void KERNEL(__bitmap_xor)(unsigned long *to, const unsigned long *a, const unsigned long *b,
			  unsigned int bits)
{
	SET(to, bits, a[i] ^ b[i]);
}

void KERNEL(__bitmap_replace)(unsigned long *to, const unsigned long *old, const unsigned long *new,
			      const unsigned long *mask, unsigned int bits)
{
	SET(to, bits, (old[i] & ~mask[i]) | (new[i] & mask[i]));
}

/* These say whether a bit is left; the last word keeps no bit beyond the map. */
typeof(__bitmap_and(NULL, NULL, NULL, 0)) KERNEL(__bitmap_and)(unsigned long *to, const unsigned long *a, const unsigned long *b,
			  unsigned int bits)
{
	SET(to, bits, a[i] & b[i] & belonging(i, bits));
	return ANY(bits, to[i]);
}

typeof(__bitmap_andnot(NULL, NULL, NULL, 0)) KERNEL(__bitmap_andnot)(unsigned long *to, const unsigned long *a, const unsigned long *b,
			     unsigned int bits)
{
	SET(to, bits, a[i] & ~b[i] & belonging(i, bits));
	return ANY(bits, to[i]);
}

/* These count what is left. */
unsigned int KERNEL(__bitmap_weighted_or)(unsigned long *to, const unsigned long *a, const unsigned long *b,
					  unsigned int bits)
{
	SET(to, bits, a[i] | b[i]);
	return WEIGHT(bits, to[i]);
}

unsigned int KERNEL(__bitmap_weighted_xor)(unsigned long *to, const unsigned long *a, const unsigned long *b,
					   unsigned int bits)
{
	SET(to, bits, a[i] ^ b[i]);
	return WEIGHT(bits, to[i]);
}

static __always_inline unsigned long word_of(const unsigned long *map, unsigned int i, unsigned int bits)
{
	return i < WORDS(bits) ? map[i] & belonging(i, bits) : 0;
}

void KERNEL(__bitmap_shift_right)(unsigned long *to, const unsigned long *map, unsigned int shift,
				  unsigned int bits)
{
	unsigned int i, words = shift / BITS_PER_LONG, rest = shift % BITS_PER_LONG;

	for (i = 0; i < WORDS(bits); i++) {
		unsigned long low = word_of(map, i + words, bits) >> rest;
		unsigned long high = rest ? word_of(map, i + words + 1, bits) << (BITS_PER_LONG - rest) : 0;

		to[i] = low | high;
	}
}

void KERNEL(__bitmap_shift_left)(unsigned long *to, const unsigned long *map, unsigned int shift,
				 unsigned int bits)
{
	unsigned int i, words = shift / BITS_PER_LONG, rest = shift % BITS_PER_LONG;

	for (i = WORDS(bits); i-- > 0;) {
		unsigned long high = i >= words ? map[i - words] << rest : 0;
		unsigned long low = rest && i > words ? map[i - words - 1] >> (BITS_PER_LONG - rest) : 0;

		to[i] = low | high;
	}
}

void KERNEL(__bitmap_set)(unsigned long *map, unsigned int start, int count)
{
	for (; count > 0; count--, start++)
		map[BIT_WORD(start)] |= BIT_MASK(start);
}

void KERNEL(__bitmap_clear)(unsigned long *map, unsigned int start, int count)
{
	for (; count > 0; count--, start++)
		map[BIT_WORD(start)] &= ~BIT_MASK(start);
}
