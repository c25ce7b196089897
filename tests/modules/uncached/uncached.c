// SPDX-License-Identifier: GPL-2.0
/*
 * Has a page of memory that is uncached, as drivers of graphics cards have them, beside one that
 * is not.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <asm/set_memory.h>

#define ORDER 1

static unsigned long pages;

static int __init uncached_init(void)
{
	int error;

	pages = __get_free_pages(GFP_KERNEL, ORDER);
	if (!pages)
		return -ENOMEM;

	error = set_memory_uc(pages, 1);
	if (error)
		free_pages(pages, ORDER);
	return error;
}

static void __exit uncached_exit(void)
{
	set_memory_wb(pages, 1);
	free_pages(pages, ORDER);
}

module_init(uncached_init);
module_exit(uncached_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A page of memory that is uncached");
