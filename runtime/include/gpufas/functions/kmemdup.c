// SPDX-License-Identifier: GPL-2.0
/* Copies in memory of the program's own (mm/util.c), which --allocation own adds. */
#include <gpufas/functions/allocation.h>

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>

/* A copy of bytes in new memory, with a NUL after them if @ended. */
static void *fill(char *copy, const void *from, size_t size, bool ended)
{
	if (ZERO_OR_NULL_PTR(copy))
		return copy;
	memcpy(copy, from, size);
	if (ended)
		copy[size] = 0;
	return copy;
}

static void *copy_of(const void *from, size_t size, bool ended, gfp_t flags)
{
	return size + ended < size ? NULL : fill(kmalloc(size + ended, flags), from, size, ended);
}

DECLARE(kstrdup);
char *KERNEL(kstrdup)(const char *from, gfp_t flags)
{
	return from ? copy_of(from, strlen(from), true, flags) : NULL;
}

DECLARE(kstrndup);
char *KERNEL(kstrndup)(const char *from, size_t most, gfp_t flags)
{
	return from ? copy_of(from, strnlen(from, most), true, flags) : NULL;
}

DEFINE(ALLOCATOR(kmemdup), const void *from, size_t size, gfp_t flags) { return copy_of(from, size, false, flags); }

DECLARE(kmemdup_nul);
char *KERNEL(kmemdup_nul)(const char *from, size_t size, gfp_t flags)
{
	return from ? copy_of(from, size, true, flags) : NULL;
}
#if FROM(6, 8)
DEFINE(kvmemdup, const void *from, size_t size, gfp_t flags) { return fill(kvmalloc(size, flags), from, size, false); }
DEFINE(kmemdup_array, const void *from, size_t count, size_t size, gfp_t flags)
{
	return copy_of(from, size_mul(count, size), false, flags);
}
#endif
