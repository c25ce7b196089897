/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel does around its code, against a model of it in the driver:
 * traps for BUG() and WARN(), static keys whose branches are patched, functions
 * for the memory of user processes, and masks of interrupts, as a process has
 * them that nothing interrupts.
 */
#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/current.h>
#include <asm/smap.h>
#include "case.h"

/* How an entry of the table of bugs looks, for the driver. */
__weak const unsigned int bug_entry_size = sizeof(struct bug_entry);
__weak const unsigned int bug_entry_flags = offsetof(struct bug_entry, flags);

CASE(warn_on) { out[0] = WARN_ON(a > b); }
CASE(warn_on_once) { out[0] = WARN_ON_ONCE(a > b) + 2 * WARN_ON_ONCE(a == b); }
CASE(warn) { out[0] = WARN(a > b, "%lx is more than %lx\n", a, b); }
CASE(warn_once) { out[0] = WARN_ONCE(a > b, "%lx is more than %lx\n", a, b); }
CASE(bug_on) { BUG_ON(a > b); out[0] = b; }
CASE(bug)
{
	if (a & 1)
		BUG();
	out[0] = 2;
}

/* Keys of both types, as they are at first, and as if changed since. */
static DEFINE_STATIC_KEY_TRUE(on);
static DEFINE_STATIC_KEY_FALSE(off);
static struct static_key_true off_now = { .key = STATIC_KEY_INIT_FALSE };
static struct static_key_false on_now = { .key = STATIC_KEY_INIT_TRUE };

#define BRANCHES(of, key) (of(&key) ? 1UL : 0UL)
CASE(static_keys)
{
	out[0] = BRANCHES(static_branch_likely, on) | BRANCHES(static_branch_unlikely, on) << 1;
	out[1] = BRANCHES(static_branch_likely, off) | BRANCHES(static_branch_unlikely, off) << 1;
	out[2] = BRANCHES(static_branch_likely, off_now) | BRANCHES(static_branch_unlikely, off_now) << 1;
	out[3] = BRANCHES(static_branch_likely, on_now) | BRANCHES(static_branch_unlikely, on_now) << 1;
}

CASE(interrupts)
{
	unsigned long flags = native_save_fl(), after;

	out[0] = flags & X86_EFLAGS_IF;
	native_irq_disable();
	native_irq_enable();
	raw_local_irq_save(after);
	out[1] = raw_irqs_disabled_flags(after);
	raw_local_irq_restore(after);
}

/* On CPUs without SMAP these do nothing. */
CASE(access_to_users)
{
	unsigned long flags = smap_save();

	smap_restore(flags);
	stac();
	clac();
	out[0] = a;
}

#ifdef __preempt_schedule
CASE(preemption)
{
	__preempt_schedule();
	__preempt_schedule_notrace();
	out[0] = a;
}
#endif

#define USER(type)								\
CASE(get_user_##type) { type x = 7; out[0] = get_user(x, (type __user *)a); out[1] = x; } \
CASE(get_user_nocheck_##type) { type x = 7; out[0] = __get_user(x, (type __user *)a); out[1] = x; } \
CASE(put_user_##type) { out[0] = put_user((type)b, (type __user *)a); }		\
CASE(put_user_nocheck_##type) { out[0] = __put_user((type)b, (type __user *)a); }
USER(u8)
USER(u16)
USER(u32)
USER(u64)

CASE(current_task) { out[0] = (unsigned long)current; out[1] = (unsigned long)get_current(); }
CASE(number_of_cpu) { out[0] = raw_smp_processor_id(); }
CASE(pointer_to_copy) { out[0] = (unsigned long)this_cpu_ptr((u64 __percpu *)memory) - (unsigned long)memory; }
