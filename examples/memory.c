/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory is exhausted, the system swaps and does nothing else: kill the process
 * that uses most of it, from outside. The kernel's own OOM killer waits until
 * swap space is full as well, and answers nobody meanwhile.
 *
 *	gpufas run memory.fatbin memory --qmp SOCKET -- --memory_percent 90 --swap_percent 30 --protect sshd,init
 *
 * Nothing is done unless that much of both memory and swap space is in use, so
 * that the program can be run on suspicion.
 *
 * With the in-kernel support (runtime/support/) the kernel itself can send the
 * signal, while the system runs:
 *
 *	gpufas run memory.fatbin memory_supported --pause never ...
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/support.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

/* Of memory, that which cannot be had for the asking: neither free nor a copy of a file. */
static unsigned int memory_in_use_percent(void)
{
	unsigned long total = totalram_pages();
	unsigned long available = global_zone_page_state(NR_FREE_PAGES) +
				  global_node_page_state(NR_ACTIVE_FILE) +
				  global_node_page_state(NR_INACTIVE_FILE);

	return total ? 100 - min(available, total) * 100 / total : 0;
}

/* Where there is no swap space, all of it is in use. */
static unsigned int swap_in_use_percent(void)
{
	long total = total_swap_pages;
	long free = clamp(get_nr_swap_pages(), 0L, max(total, 0L));

	return total > 0 ? 100 - free * 100 / total : 100;
}

/* What the end of a process would set free, in pages. */
static long pages_of(struct task_struct *process)
{
	struct mm_struct *mm = gpufas_process_mm(process);

	return mm ? get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS) +
		    mm_pgtables_bytes(mm) / PAGE_SIZE : 0;
}

/*
 * oom_badness() in mm/oom_kill.c: what it uses, and what its oom_score_adj makes of that, in thousandths
 * of all there is. Nobody is killed for 0 or less.
 */
static long badness(struct task_struct *process)
{
	long adjustment = process->signal->oom_score_adj, pages = pages_of(process);

	/* A child of vfork() has its parent's memory, which its end does not set free. */
	if (!pages || adjustment == OOM_SCORE_ADJ_MIN || in_vfork(process))
		return 0;

	return pages + adjustment * (long)((totalram_pages() + total_swap_pages) / 1000);
}

/*
 * A process that was killed already, but still holds its memory, is found again:
 * nobody else dies for it.
 */
static struct task_struct *find_worst(const char *protect, struct gpufas_support_identity *who)
{
	struct task_struct *process, *found = NULL;
	long worst = 0;

	for_each_process(process) {
		struct gpufas_support_identity now = gpufas_support_identify(process);
		long points = gpufas_may_be_victim(process, protect) ? badness(process) : 0;

		if (points > worst && gpufas_support_is(process, &now)) {
			found = process;
			worst = points;
			*who = now;
		}
	}

	return found;
}

/* The process to kill: 0, -ENOENT if there is room, -ESRCH if nobody may be killed. */
static int find_victim(unsigned int memory_percent, unsigned int swap_percent, const char *protect,
		       struct task_struct **victim, struct gpufas_support_identity *who)
{
	unsigned int memory = memory_in_use_percent(), swap = swap_in_use_percent();

	gpufas_log("%u %% of memory and %u %% of swap space are in use\n", memory, swap);
	if (memory < memory_percent || swap < swap_percent)
		return -ENOENT;

	*victim = find_worst(protect, who);
	if (!*victim)
		return -ESRCH;

	gpufas_log("%d (%s) uses %ld KiB\n", (*victim)->pid, (*victim)->comm,
		   pages_of(*victim) << (PAGE_SHIFT - 10));
	return 0;
}

GPUFAS_ENTRY(memory, "kill the process that uses most memory and swap space, if both are short",
	     unsigned int, memory_percent, unsigned int, swap_percent, const char *, protect)
{
	struct gpufas_support_identity who;
	struct task_struct *victim;
	int result = find_victim(memory_percent, swap_percent, protect, &victim, &who);

	if (result)
		return result;

	result = gpufas_send_signal(SIGKILL, victim, PIDTYPE_TGID);
	gpufas_log("signal %d %s\n", SIGKILL, gpufas_signal_result_text(result));
	return min(result, 0);
}

GPUFAS_ENTRY(memory_supported, "have the kernel kill the process that uses most memory and swap space",
	     unsigned int, memory_percent, unsigned int, swap_percent, const char *, protect)
{
	struct gpufas_support_identity who;
	struct gpufas_support support;
	struct task_struct *victim;
	int result = gpufas_support_find(&support);

	if (!result)
		result = find_victim(memory_percent, swap_percent, protect, &victim, &who);
	if (result)
		return result;

	result = gpufas_support_signal_to(&support, &who, SIGKILL, GPUFAS_SUPPORT_PROCESS);
	gpufas_log("the kernel sends signal %d: %d\n", SIGKILL, result);
	return result;
}
