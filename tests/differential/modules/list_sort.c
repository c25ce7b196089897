/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel sources: lib/list_sort.c lib/random32.c */
/* Options: --allocation own */
#define MODULE
#include <gpufas/gpufas.h>

#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/version.h>

/* A program does the same each time. */
static struct rnd_state state;

#define prandom_u32()		prandom_u32_state(&state)
#define prandom_u32_max(end)	(prandom_u32_state(&state) % (end))
#define get_random_u32_below(end) (prandom_u32_state(&state) % (end))

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0)

#undef pr_fmt
#include <lib/test_list_sort.c>

GPUFAS_ENTRY(test, "the kernel's own test of list_sort()", u64, seed)
{
	prandom_seed_state(&state, seed);
	return init_module();
}

#else

#if __has_include(<lib/tests/test_list_sort.c>)
#include <lib/tests/test_list_sort.c>
#else
#include <lib/test_list_sort.c>
#endif

#include "kunit.h"

GPUFAS_ENTRY(test, "the kernel's own test of list_sort()", u64, seed)
{
	prandom_seed_state(&state, seed);
	return run_suite(&list_sort_suite);
}

#endif
