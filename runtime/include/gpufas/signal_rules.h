/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's rules for signals: who gets one, who ignores it, and what a stop
 * signal and SIGCONT take back. Function names in comments are from
 * kernel/signal.c.
 */
#ifndef _GPUFAS_SIGNAL_RULES_H
#define _GPUFAS_SIGNAL_RULES_H

#include <gpufas/task.h>

#include <linux/list.h>
#include <linux/pid.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

/*
 * prepare_signal(): a process that is dying takes no more signals. One that
 * dumps core takes SIGKILL, which ends the dump.
 */
static inline bool gpufas_signal_is_too_late(int sig, struct signal_struct *signal)
{
#ifdef SIGNAL_GROUP_COREDUMP	/* before 5.17 */
	unsigned int end = signal->flags & (SIGNAL_GROUP_EXIT | SIGNAL_GROUP_COREDUMP);
	bool dumps_core = end == SIGNAL_GROUP_COREDUMP;
	bool dies = end;
#else
	bool dumps_core = signal->core_state;
	bool dies = signal->flags & SIGNAL_GROUP_EXIT;
#endif

	return dies && !(dumps_core && sig == SIGKILL);
}

/*
 * sig_ignored() and sig_task_ignored(), for a signal that the kernel itself
 * sends (force is true): the first process of a container can be killed.
 */
static inline bool gpufas_signal_is_ignored(int sig, struct task_struct *task)
{
	__sighandler_t handler = task->sighand->action[sig - 1].sa.sa_handler;

	/* What is blocked may get a handler until it is unblocked. */
	if (sigismember(&task->blocked, sig) || sigismember(&task->real_blocked, sig))
		return false;

	/* A debugger wants to see ignored signals too. */
	if (task->ptrace && sig != SIGKILL)
		return false;

	if (is_global_init(task) && sig_kernel_only(sig))
		return true;

	if ((task->signal->flags & SIGNAL_UNKILLABLE) && handler == SIG_DFL &&
	    !sig_kernel_only(sig))
		return true;

	return handler == SIG_IGN || (handler == SIG_DFL && sig_kernel_ignore(sig));
}

/* wants_signal(). task_curr() is the scheduler's own; on_cpu says the same. */
static inline bool gpufas_wants_signal(int sig, struct task_struct *task)
{
	if (sigismember(&task->blocked, sig) || (task->flags & PF_EXITING))
		return false;

	if (sig == SIGKILL)
		return true;

	if (task_is_stopped_or_traced(task))
		return false;

	return READ_ONCE(task->on_cpu) || !task_sigpending(task);
}

/*
 * The first half of complete_signal(): the thread that is told of a signal.
 * The main thread goes first, then threads take turns. NULL if no thread needs
 * to be told.
 */
static inline struct task_struct *gpufas_signal_target(int sig, struct task_struct *task,
						       enum pid_type type)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *target;

	if (gpufas_wants_signal(sig, task))
		return task;

	if (type == PIDTYPE_PID || thread_group_empty(task))
		return NULL;

	target = signal->curr_target;
	while (!gpufas_wants_signal(sig, target)) {
		target = next_thread(target);
		if (target == signal->curr_target)
			return NULL;
	}
	return target;
}

/*
 * flush_sigqueue_mask(): take signals out of a pending set.
 *
 * What the kernel would free is only unlinked, for its slab is the kernel's
 * alone: a struct sigqueue, and its count against RLIMIT_SIGPENDING, are lost.
 */
static inline void gpufas_flush_signals(unsigned long mask, struct sigpending *pending)
{
	struct sigqueue *entry, *next;

	if (!sigtestsetmask(&pending->signal, mask))
		return;

	sigdelsetmask(&pending->signal, mask);
	list_for_each_entry_safe(entry, next, &pending->list, list)
		if (siginmask(entry->info.si_signo, mask))
			list_del_init(&entry->list);
}

/*
 * The first half of prepare_signal(): a stop signal and SIGCONT cancel each
 * other, in all sets and even if they are ignored or blocked.
 */
static inline void gpufas_cancel_opposite(int sig, struct task_struct *task)
{
	unsigned long mask = sig == SIGCONT ? SIG_KERNEL_STOP_MASK : sigmask(SIGCONT);
	struct task_struct *thread;

	if (sig != SIGCONT && !sig_kernel_stop(sig))
		return;

	gpufas_flush_signals(mask, &task->signal->shared_pending);
	for_each_thread(task, thread) {
		gpufas_flush_signals(mask, &thread->pending);

		/* A stop signal that is dequeued, but not yet acted upon, is cancelled as well. */
		if (sig == SIGCONT && (thread->jobctl & JOBCTL_STOP_DEQUEUED))
			thread->jobctl &= ~JOBCTL_STOP_DEQUEUED;
	}
}

/*
 * The second half of complete_signal(): whether a signal ends the whole process at
 * once. One that dumps core does not: the thread that takes it does that.
 */
static inline bool gpufas_signal_ends_group(int sig, struct task_struct *task,
					    struct task_struct *target)
{
	return sig_fatal(task, sig) && !sig_kernel_coredump(sig) &&
	       !sigismember(&target->real_blocked, sig) && (sig == SIGKILL || !task->ptrace);
}

/*
 * Whether a thread ends its process when it takes a fatal signal: get_signal() and
 * do_group_exit(). One that is exiting takes none any more, and a worker of io_uring's
 * or, from 6.4 on, of vhost's ends alone.
 */
static inline bool gpufas_takes_fatal_signals(const struct task_struct *thread)
{
	unsigned int flags = PF_EXITING | PF_IO_WORKER;

#ifdef PF_USER_WORKER
	flags |= PF_USER_WORKER;
#endif
	return !(thread->flags & flags);
}

/* The states that a signal wakes a thread from, and SIGKILL (@fatal): signal_wake_up(). */
static inline unsigned int gpufas_signal_wake_states(const struct task_struct *thread, bool fatal)
{
	if (!fatal)
		return TASK_INTERRUPTIBLE;

#ifdef JOBCTL_PTRACE_FROZEN	/* from 6.0 on TASK_TRACED has no TASK_WAKEKILL */
	if (thread->jobctl & JOBCTL_PTRACE_FROZEN)
		return TASK_INTERRUPTIBLE;
	return TASK_INTERRUPTIBLE | TASK_WAKEKILL | __TASK_TRACED;
#else
	return TASK_INTERRUPTIBLE | TASK_WAKEKILL;
#endif
}

/* A thread that is woken from these states is stopped no longer, which from 6.0 on its flags say, too: signal_wake_up(). */
static inline void gpufas_clear_stopped(struct task_struct *thread, unsigned int states)
{
#ifdef JOBCTL_PTRACE_FROZEN
	if ((states & TASK_WAKEKILL) && (thread->jobctl & (JOBCTL_STOPPED | JOBCTL_TRACED)))
		thread->jobctl &= ~(JOBCTL_STOPPED | JOBCTL_TRACED);
#endif
}

/* task_clear_jobctl_pending(), where no debugger waits for JOBCTL_TRAPPING. */
static inline void gpufas_clear_jobctl_pending(struct task_struct *thread, unsigned long mask)
{
	if (mask & JOBCTL_STOP_PENDING)
		mask |= JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED;

	if (thread->jobctl & mask)
		thread->jobctl &= ~mask;
}

#endif /* _GPUFAS_SIGNAL_RULES_H */
