// SPDX-License-Identifier: GPL-2.0
/* What goes to the program's log, and how much of it (lib/ratelimit.c, lib/dump_stack.c, lib/hexdump.c). */
#include <gpufas/functions/functions.h>

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

/* The log has an end anyway, and a program no time to wait for. */
KERNEL_FUNCTION(___ratelimit);
int KERNEL(___ratelimit)(struct ratelimit_state *state, const char *function)
{
	return 1;
}

void KERNEL(dump_stack)(void)
{
	printk("dump_stack(): a recovery program has no stack of the kernel's\n");
}

void KERNEL(print_hex_dump)(const char *level, const char *prefix, int prefix_type, int row, int group,
			    const void *memory, size_t size, bool ascii)
{
	const u8 *bytes = memory;
	size_t i;

	for (i = 0; i + 8 <= size; i += 8)
		printk("%s%04zx: %02x %02x %02x %02x %02x %02x %02x %02x\n", prefix, i,
		       bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3],
		       bytes[i + 4], bytes[i + 5], bytes[i + 6], bytes[i + 7]);
	for (; i < size; i++)
		printk("%s%04zx: %02x\n", prefix, i, bytes[i]);
}
