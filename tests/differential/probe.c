/* SPDX-License-Identifier: GPL-2.0 */
/* Single accesses to an address that the caller chooses: any, good or bad. */
#include "scene.h"

#define PROBE(bits)									\
GPUFAS_ENTRY(load##bits, "load one number", unsigned long, address)			\
{											\
	u##bits value = *(volatile u##bits *)address;					\
											\
	return (u64)value >> 32 ^ value;						\
}											\
											\
GPUFAS_ENTRY(store##bits, "store one number", unsigned long, address, u64, value)	\
{											\
	*(volatile u##bits *)address = value;						\
	return 0;									\
}

PROBE(8)
PROBE(16)
PROBE(32)
PROBE(64)

/* Longest copy. */
#define MOST	5000

GPUFAS_ENTRY(copy, "copy to own memory", unsigned long, address, u32, size)
{
	u8 own[MOST];
	u32 i, sum = 0;

	memset(own, 0, sizeof(own));
	memcpy(own, (void *)address, size % MOST);
	for (i = 0; i < MOST; i++)
		sum = sum * 31 + own[i];
	return sum;
}

GPUFAS_ENTRY(fill, "fill memory", unsigned long, address, u32, size, u64, value)
{
	memset((void *)address, value, size % MOST);
	return 0;
}
