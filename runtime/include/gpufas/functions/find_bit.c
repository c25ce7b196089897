// SPDX-License-Identifier: GPL-2.0
/* The next bit of a map (include/linux/find.h; lib/find_bit.c). The size is returned if there is none. */
#include <gpufas/functions/functions.h>

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>

#undef find_first_bit
#undef find_first_zero_bit
#undef find_last_bit
#undef find_next_bit
#undef find_next_zero_bit
#undef find_next_and_bit

#define NEXT(size, start, word) ({						\
	unsigned long at = (start), found = (size);				\
										\
	while (at < (size)) {							\
		unsigned long i = at / BITS_PER_LONG;				\
		unsigned long left = (word) & (~0UL << (at % BITS_PER_LONG));	\
										\
		if (left) {							\
			found = i * BITS_PER_LONG + __ffs(left);		\
			break;							\
		}								\
		at = (i + 1) * BITS_PER_LONG;					\
	}									\
	found < (size) ? found : (size);					\
})

static __always_inline unsigned long last(const unsigned long *map, unsigned long size)
{
	unsigned long at = size;

	while (at > 0) {
		unsigned long i = (at - 1) / BITS_PER_LONG;
		unsigned long left = map[i] & (~0UL >> (BITS_PER_LONG - 1 - (at - 1) % BITS_PER_LONG));

		if (left)
			return i * BITS_PER_LONG + __fls(left);
		at = i * BITS_PER_LONG;
	}
	return size;
}

/* Names with an underscore since 5.13; before, without. */
#define FIND_FUNCTIONS(prefix)								\
	unsigned long KERNEL(prefix##find_first_bit)(const unsigned long *map,		\
						     unsigned long size)		\
	{										\
		return NEXT(size, 0, map[i]);						\
	}										\
	unsigned long KERNEL(prefix##find_first_zero_bit)(const unsigned long *map,	\
							  unsigned long size)		\
	{										\
		return NEXT(size, 0, ~map[i]);						\
	}										\
	unsigned long KERNEL(prefix##find_last_bit)(const unsigned long *map,		\
						    unsigned long size)			\
	{										\
		return last(map, size);							\
	}										\
	unsigned long KERNEL(prefix##find_next_bit)(const unsigned long *map,		\
						    unsigned long size,			\
						    unsigned long start)		\
	{										\
		return NEXT(size, start, map[i]);					\
	}										\
	unsigned long KERNEL(prefix##find_next_zero_bit)(const unsigned long *map,	\
							 unsigned long size,		\
							 unsigned long start)		\
	{										\
		return NEXT(size, start, ~map[i]);					\
	}										\
	unsigned long KERNEL(prefix##find_next_and_bit)(const unsigned long *a,		\
							const unsigned long *b,		\
							unsigned long size,		\
							unsigned long start)		\
	{										\
		return NEXT(size, start, a[i] & b[i]);					\
	}

FIND_FUNCTIONS()
FIND_FUNCTIONS(_)

unsigned long KERNEL(_find_first_and_bit)(const unsigned long *a, const unsigned long *b,
					  unsigned long size)
{
	return NEXT(size, 0, a[i] & b[i]);
}

unsigned long KERNEL(_find_next_andnot_bit)(const unsigned long *a, const unsigned long *b,
					    unsigned long size, unsigned long start)
{
	return NEXT(size, start, a[i] & ~b[i]);
}

unsigned long KERNEL(_find_next_or_bit)(const unsigned long *a, const unsigned long *b,
					unsigned long size, unsigned long start)
{
	return NEXT(size, start, a[i] | b[i]);
}

/* The bit that n others are before. */
#define NTH(size, n, word) ({							\
	unsigned long i, left, found = (size), before = (n);			\
										\
	for (i = 0; i * BITS_PER_LONG < (size); i++) {				\
		left = (word);							\
		if (hweight_long(left) <= before) {				\
			before -= hweight_long(left);				\
			continue;						\
		}								\
		for (; before; before--)					\
			left &= left - 1;					\
		found = i * BITS_PER_LONG + __ffs(left);			\
		break;								\
	}									\
	found < (size) ? found : (size);					\
})

unsigned long KERNEL(__find_nth_bit)(const unsigned long *map, unsigned long size, unsigned long n)
{
	return NTH(size, n, map[i]);
}

unsigned long KERNEL(__find_nth_and_bit)(const unsigned long *a, const unsigned long *b,
					 unsigned long size, unsigned long n)
{
	return NTH(size, n, a[i] & b[i]);
}

unsigned long KERNEL(__find_nth_andnot_bit)(const unsigned long *a, const unsigned long *b,
					    unsigned long size, unsigned long n)
{
	return NTH(size, n, a[i] & ~b[i]);
}

unsigned long KERNEL(__find_nth_and_andnot_bit)(const unsigned long *a, const unsigned long *b,
						const unsigned long *c, unsigned long size, unsigned long n)
{
	return NTH(size, n, a[i] & b[i] & ~c[i]);
}

/* The next possible CPU (lib/cpumask.c), where headers do not do it inline. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
unsigned int KERNEL(cpumask_next)(int cpu, const struct cpumask *mask)
{
	const unsigned long *map = (const unsigned long *)mask;
	unsigned long size = CONFIG_NR_CPUS;

	return NEXT(size, cpu + 1, map[i]);
}

unsigned int KERNEL(cpumask_next_and)(int cpu, const struct cpumask *one, const struct cpumask *other)
{
	const unsigned long *a = (const unsigned long *)one, *b = (const unsigned long *)other;
	unsigned long size = CONFIG_NR_CPUS;

	return NEXT(size, cpu + 1, a[i] & b[i]);
}
#endif
