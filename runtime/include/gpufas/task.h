/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding tasks, and what to know of one before doing something to it.
 *
 * The kernel walks these lists under rcu_read_lock() or tasklist_lock. From
 * outside neither can be had. A program that writes runs while the guest is
 * paused, so that the lists stand still; one that only reads may meet a list
 * in motion, and then ends with a fault or a spent budget, as it does on a
 * list that is corrupt.
 */
#ifndef _GPUFAS_TASK_H
#define _GPUFAS_TASK_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/version.h>

/* gpufas_task_state - the TASK_* bits of a task, a variable */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
#define gpufas_task_state(task) ((task)->state)
#define task_is_running(task) (READ_ONCE((task)->state) == TASK_RUNNING)
#else
#define gpufas_task_state(task) ((task)->__state)
#endif

/*
 * gpufas_find_task - the task with a pid, as the initial pid namespace counts
 *
 * It may be any thread of its process. NULL if there is none.
 */
static inline struct task_struct *gpufas_find_task(pid_t pid)
{
	struct task_struct *process, *task;

	for_each_process_thread(process, task)
		if (task->pid == pid)
			return task;

	return NULL;
}

/*
 * gpufas_task_has_name - whether a task's name (comm) is this one
 *
 * The kernel keeps TASK_COMM_LEN - 1 characters of a name, so that no more are compared.
 */
static inline bool gpufas_task_has_name(const struct task_struct *task, const char *name)
{
	return strncmp(task->comm, name, TASK_COMM_LEN - 1) == 0;
}

/* Whether a task runs inside the kernel only. Kernel threads ignore signals and must live. */
static inline bool gpufas_is_kernel_thread(const struct task_struct *task)
{
	return task->flags & PF_KTHREAD;
}

/*
 * gpufas_is_dying - whether a task is exiting, dead, or sure to die at its next step
 *
 * A task is one thread; the first thread of a process may be dead while others
 * live on.
 *
 * do_exit() sets PF_EXITING, exit_notify() sets exit_state; a process that is
 * killed or exits as a whole has SIGNAL_GROUP_EXIT from do_group_exit() or
 * complete_signal() on, and a thread that is killed has SIGKILL pending.
 */
static inline bool gpufas_is_dying(struct task_struct *task)
{
	return task->exit_state || (task->flags & PF_EXITING) ||
	       (task->signal->flags & SIGNAL_GROUP_EXIT) || fatal_signal_pending(task);
}

/*
 * gpufas_is_awake - whether a task comes to the end of its stay in the kernel without being woken
 *
 * It runs, or stands on a run queue. A thread that is being frozen with its
 * cgroup is about to fall asleep instead: see do_freezer_trap() in kernel/signal.c.
 */
static inline bool gpufas_is_awake(struct task_struct *task)
{
	return task_is_running(task) && !(READ_ONCE(task->jobctl) & JOBCTL_TRAP_FREEZE);
}

/*
 * gpufas_process_mm - the address space of a process, NULL if it has none
 *
 * The first thread may have exited before the others, so that each is asked,
 * as find_lock_task_mm() in mm/oom_kill.c does. A kernel thread only borrows an
 * address space (get_task_mm() in kernel/fork.c).
 */
static inline struct mm_struct *gpufas_process_mm(struct task_struct *process)
{
	struct task_struct *thread;

	if (gpufas_is_kernel_thread(process))
		return NULL;

	for_each_thread(process, thread) {
		struct mm_struct *mm = READ_ONCE(thread->mm);

		if (mm)
			return mm;
	}

	return NULL;
}

/* gpufas_resident_kib - resident memory of a process in KiB: the VmRSS of /proc/PID/status */
static inline unsigned long gpufas_resident_kib(struct task_struct *process)
{
	struct mm_struct *mm = gpufas_process_mm(process);

	return mm ? get_mm_rss(mm) << (PAGE_SHIFT - 10) : 0;
}

#endif /* _GPUFAS_TASK_H */
