// SPDX-License-Identifier: GPL-2.0
/* A reference count that went wrong (lib/refcount.c): it stays where it can do no harm, and the log says so. */
#include <gpufas/functions/functions.h>

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/refcount.h>

KERNEL_FUNCTION(refcount_warn_saturate);
void KERNEL(refcount_warn_saturate)(refcount_t *count, enum refcount_saturation_type type)
{
	static const char *const names[] = {
		[REFCOUNT_ADD_NOT_ZERO_OVF] = "would saturate",
		[REFCOUNT_ADD_OVF] = "is saturated, an object leaks",
		[REFCOUNT_ADD_UAF] = "was 0 and is increased: its object is used after it was freed",
		[REFCOUNT_SUB_UAF] = "falls below 0: its object is used after it was freed",
		[REFCOUNT_DEC_LEAK] = "falls to 0, an object leaks",
	};

	refcount_set(count, REFCOUNT_SATURATED);
	if (type < ARRAY_SIZE(names))
		printk("reference count at %px %s\n", count, names[type]);
}
