/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel sources: lib/bitmap.c lib/bitmap-str.c lib/find_bit.c lib/hexdump.c lib/vsprintf.c lib/kasprintf.c lib/kstrtox.c lib/string.c lib/string_helpers.c lib/ctype.c lib/errname.c lib/siphash.c kernel/time/timeconv.c */
/* Options: --allocation own */
#define MODULE
#include <gpufas/gpufas.h>

#include <linux/capability.h>
#include <linux/clk.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/ktime.h>
#include <linux/property.h>
#include <linux/version.h>

#undef pr_fmt
#include <lib/test_bitmap.c>

/* The module measures how long it takes. A program has no clock. */
ktime_t ktime_get(void)
{
	return 0;
}

void add_taint(unsigned int flag, enum lockdep_ok lockdep)
{
}

ssize_t memory_read_from_buffer(void *to, size_t count, loff_t *position, const void *from, size_t available)
{
	if (*position < 0)
		return -EINVAL;
	if (*position >= available || !count)
		return 0;
	count = min_t(size_t, count, available - *position);
	memcpy(to, (const char *)from + *position, count);
	*position += count;
	return count;
}

/* What lib/vsprintf.c prints besides, and the module does not. */
int sprint_symbol(char *to, unsigned long address)
{
	BUG();
}

int sprint_symbol_no_offset(char *to, unsigned long address)
{
	BUG();
}

int sprint_backtrace(char *to, unsigned long address)
{
	BUG();
}

int sprint_symbol_build_id(char *to, unsigned long address);
int sprint_symbol_build_id(char *to, unsigned long address)
{
	BUG();
}

int sprint_backtrace_build_id(char *to, unsigned long address);
int sprint_backtrace_build_id(char *to, unsigned long address)
{
	BUG();
}

bool has_capability_noaudit(struct task_struct *task, int capability)
{
	BUG();
}

const char *__clk_get_name(const struct clk *clk)
{
	BUG();
}

const char *fwnode_get_name(const struct fwnode_handle *node)
{
	BUG();
}

const char *fwnode_get_name_prefix(const struct fwnode_handle *node);
const char *fwnode_get_name_prefix(const struct fwnode_handle *node)
{
	BUG();
}

unsigned int fwnode_count_parents(const struct fwnode_handle *node)
{
	BUG();
}

struct fwnode_handle *fwnode_get_nth_parent(struct fwnode_handle *node, unsigned int depth)
{
	BUG();
}

char *rust_fmt_argument(char *to, char *end, const void *what);
char *rust_fmt_argument(char *to, char *end, const void *what)
{
	BUG();
}

/* 6.12 does it in a header. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
void fwnode_handle_put(struct fwnode_handle *node)
{
	BUG();
}
#endif

GPUFAS_ENTRY(test, "the kernel's own test of bitmaps")
{
	return init_module();
}
