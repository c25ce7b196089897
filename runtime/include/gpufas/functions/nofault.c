// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of memory that may not be there (mm/maccess.c). What cannot be accessed
 * is asked before the access, see "An instruction in the exception table" in
 * docs/compiler.md.
 */
#include <gpufas/functions/functions.h>

#include <linux/errno.h>
#include <linux/uaccess.h>

/* The kernel says -ERANGE of addresses that are not its own. */
static long error_at(const void *address)
{
	return (long)address < 0 ? -EFAULT : -ERANGE;
}

/* Words where both sides are aligned, so that a word of the kernel's is read and written as one. */
static bool is_word(const void *to, const void *from, size_t size)
{
	return size >= sizeof(u64) && !(((unsigned long)to | (unsigned long)from) % sizeof(u64));
}

KERNEL_FUNCTION(copy_from_kernel_nofault);
long KERNEL(copy_from_kernel_nofault)(void *to, const void *from, size_t size)
{
	size_t step;

	for (; size; size -= step, to += step, from += step) {
		if (is_word(to, from, size)) {
			step = sizeof(u64);
			__get_kernel_nofault(to, from, u64, fault);
		} else {
			step = sizeof(u8);
			__get_kernel_nofault(to, from, u8, fault);
		}
	}
	return 0;
fault:
	return error_at(from);
}

KERNEL_FUNCTION(copy_to_kernel_nofault);
long KERNEL(copy_to_kernel_nofault)(void *to, const void *from, size_t size)
{
	size_t step;

	for (; size; size -= step, to += step, from += step) {
		if (is_word(to, from, size)) {
			step = sizeof(u64);
			__put_kernel_nofault(to, from, u64, fault);
		} else {
			step = sizeof(u8);
			__put_kernel_nofault(to, from, u8, fault);
		}
	}
	return 0;
fault:
	return -EFAULT;
}

KERNEL_FUNCTION(strncpy_from_kernel_nofault);
long KERNEL(strncpy_from_kernel_nofault)(char *to, const void *from, long count)
{
	const char *source = from;
	long copied;

	if (count <= 0)
		return 0;
	for (copied = 0; copied < count; copied++) {
		__get_kernel_nofault(&to[copied], &source[copied], u8, fault);
		if (!to[copied])
			return copied + 1;
	}
	to[count - 1] = '\0';
	return count;
fault:
	/* What was read until then stays. */
	to[copied] = '\0';
	return error_at(&source[copied]);
}
