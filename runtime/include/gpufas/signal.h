/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sending a signal from outside: gpufas_send_signal() leaves behind what the
 * kernel's own sender would leave (kernel/signal.c; function names in comments
 * here are from it), as far as that can be done by writing memory alone.
 *
 * What cannot be done is to wake a sleeping task. A signal is looked at on the
 * way out of the kernel (exit_to_user_mode_loop() sees TIF_SIGPENDING), which a
 * running task takes at its next system call, fault or timer tick. A task that
 * sleeps, is stopped or is held by a debugger notices when something else wakes
 * it; gpufas_send_signal() tells the two apart. Until then the system's own
 * signals do not wake it either, because wants_signal() takes TIF_SIGPENDING to
 * mean that it was woken; but SIGKILL does.
 *
 * The kernel gives each signal a struct sigqueue that says who sent it. None is
 * allocated here. The kernel copes: __send_signal_locked() itself sets only the
 * bit for SIGKILL and when memory is short, and collect_signal() then reports
 * SI_USER from pid 0, uid 0.
 *
 * All this is meant for a paused guest: the host pauses it around programs that
 * write. A lock that is held then was caught in the middle, hence -EAGAIN.
 */
#ifndef _GPUFAS_SIGNAL_H
#define _GPUFAS_SIGNAL_H

#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/list.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/spinlock.h>

/* What became of a signal that could be sent. */
enum gpufas_signal_result {
	/* Pending, and a thread that is awake takes it at its next step. */
	GPUFAS_SIGNAL_DELIVERED,
	/* Pending, but every thread that could take it is asleep. */
	GPUFAS_SIGNAL_ASLEEP,
	/* Pending, but every thread blocks it, is stopped, or has other signals to take first. */
	GPUFAS_SIGNAL_PENDING,
	/* Dropped: the same signal is pending already, and a legacy signal is not counted. */
	GPUFAS_SIGNAL_ALREADY_PENDING,
	/* Dropped: the process ignores it, or may not get it (init). */
	GPUFAS_SIGNAL_IGNORED,
	/* Dropped: the process is dying anyway. */
	GPUFAS_SIGNAL_DYING,
};

/* A result, or an error, of gpufas_send_signal() in words */
static inline const char *gpufas_signal_result_text(int result)
{
	switch (result) {
	case GPUFAS_SIGNAL_DELIVERED:
		return "delivered";
	case GPUFAS_SIGNAL_ASLEEP:
		return "pending until the process wakes up";
	case GPUFAS_SIGNAL_PENDING:
		return "pending until the process can take it";
	case GPUFAS_SIGNAL_ALREADY_PENDING:
		return "was pending already";
	case GPUFAS_SIGNAL_IGNORED:
		return "ignored by the process";
	case GPUFAS_SIGNAL_DYING:
		return "dropped, the process is dying";
	case -EAGAIN:
		return "not sent, the kernel is at work on the process's signals";
	case -ESRCH:
		return "not sent, the process is gone";
	case -EINVAL:
		return "not sent, no such signal";
	case -EOPNOTSUPP:
		return "not sent, stopped threads cannot be woken from outside";
	default:
		return "not sent";
	}
}

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
	signal->curr_target = target;
	return target;
}

/*
 * SIGKILL: every thread gets one of its own, as in complete_signal().
 *
 * complete_signal() then sets SIGNAL_GROUP_EXIT, because it also wakes every
 * thread. Without that the flag would do harm: do_group_exit() takes it to mean
 * that all others have been woken and wakes none, and prepare_signal() drops
 * each later SIGKILL, so that even the system's own could not end a thread
 * that sleeps. The same holds for SIGKILL in shared_pending, by legacy_queue().
 * So both are left to the kernel: the first thread that dequeues its SIGKILL
 * calls do_group_exit(), and zap_other_threads() wakes all the others.
 */
static inline int gpufas_kill_threads(struct task_struct *task)
{
	int result = GPUFAS_SIGNAL_ASLEEP;
	struct task_struct *thread;

	for_each_thread(task, thread) {
		if (thread->exit_state)
			continue;

		/*
		 * A stop or trap that is still to come would be taken first:
		 * task_clear_jobctl_pending(). JOBCTL_STOPPED and JOBCTL_TRACED
		 * stay, as the thread is not woken (signal_wake_up()).
		 */
		if (thread->jobctl & JOBCTL_PENDING_MASK)
			thread->jobctl &= ~(JOBCTL_PENDING_MASK | JOBCTL_STOP_CONSUME |
					    JOBCTL_STOP_DEQUEUED);

		sigaddset(&thread->pending.signal, SIGKILL);
		set_tsk_thread_flag(thread, TIF_SIGPENDING);
		if (gpufas_is_awake(thread))
			result = GPUFAS_SIGNAL_DELIVERED;
	}

	return result;
}

/*
 * The second half of complete_signal(), for all signals but SIGKILL: tell the
 * thread of the kernel's choice. If it sleeps, tell those that are awake as
 * well; whichever comes first takes the signal from shared_pending.
 *
 * The kernel ends a process at once on a signal that is sure to be fatal. Here
 * the thread that takes it does that, in get_signal() and do_group_exit(), as
 * the kernel has it for signals that dump core; see gpufas_kill_threads() for
 * why.
 */
static inline int gpufas_tell_threads(int sig, struct task_struct *task, enum pid_type type)
{
	struct task_struct *target = gpufas_signal_target(sig, task, type);
	int result = GPUFAS_SIGNAL_ASLEEP;
	struct task_struct *thread;

	if (!target)
		return GPUFAS_SIGNAL_PENDING;

	set_tsk_thread_flag(target, TIF_SIGPENDING);
	if (gpufas_is_awake(target))
		return GPUFAS_SIGNAL_DELIVERED;

	if (type == PIDTYPE_PID)
		return result;

	for_each_thread(task, thread) {
		if (gpufas_is_awake(thread) && gpufas_wants_signal(sig, thread)) {
			set_tsk_thread_flag(thread, TIF_SIGPENDING);
			result = GPUFAS_SIGNAL_DELIVERED;
		}
	}

	return result;
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
 * Whether a signal can be sent by writing memory alone, before anything is
 * written: 0, -EAGAIN or -EOPNOTSUPP.
 */
static inline int gpufas_check_threads(int sig, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *thread;

	/*
	 * prepare_signal() continues a stopped process on SIGCONT: it wakes each
	 * thread, and the first to run tells the parent. Half of that would be
	 * worse than nothing, for JOBCTL_STOPPED must match the thread's state.
	 */
	if (sig == SIGCONT && ((signal->flags & SIGNAL_STOP_STOPPED) || signal->group_stop_count))
		return -EOPNOTSUPP;

	for_each_thread(task, thread) {
		if (sig == SIGCONT && (task_is_stopped(thread) || (thread->ptrace & PT_SEIZED)))
			return -EOPNOTSUPP;

		/*
		 * A debugger is attaching and waits for this flag, with which
		 * task_clear_jobctl_trapping() would wake it. It is a matter of
		 * microseconds, see ptrace_attach().
		 */
		if (thread->jobctl & JOBCTL_TRAPPING)
			return -EAGAIN;
	}

	return 0;
}

/*
 * gpufas_send_signal - send a signal as the kernel would
 * @sig:	the signal; 0 only checks that the task can be sent one
 * @task:	a task; any thread of the process will do for PIDTYPE_TGID
 * @type:	PIDTYPE_TGID for the process, PIDTYPE_PID for this thread alone
 *
 * Like send_signal_locked() for SEND_SIG_PRIV. The signal goes where the kernel
 * would have put it, but for what gpufas_kill_threads() explains.
 *
 * Returns an enum gpufas_signal_result; or, with nothing written:
 * -EINVAL	no such signal, or another type
 * -ESRCH	the task is dead and its parent knows
 * -EAGAIN	siglock is held: let the system run on and try again
 * -EOPNOTSUPP	SIGCONT to a process that is stopped (it would have to be woken)
 */
static inline int gpufas_send_signal(int sig, struct task_struct *task, enum pid_type type)
{
	struct signal_struct *signal = task->signal;
	struct sighand_struct *sighand = READ_ONCE(task->sighand);
	struct sigpending *pending;
	int error;

	if (!valid_signal(sig) || (type != PIDTYPE_PID && type != PIDTYPE_TGID))
		return -EINVAL;

	/* __exit_signal() takes sighand away: __lock_task_sighand(). */
	if (!sighand)
		return -ESRCH;

	if (spin_is_locked(&sighand->siglock))
		return -EAGAIN;

	if (gpufas_signal_is_too_late(sig, signal))
		return GPUFAS_SIGNAL_DYING;

	error = gpufas_check_threads(sig, task);
	if (error)
		return error;

	if (!sig)
		return GPUFAS_SIGNAL_IGNORED;

	gpufas_cancel_opposite(sig, task);
	if (gpufas_signal_is_ignored(sig, task))
		return GPUFAS_SIGNAL_IGNORED;

	if (sig == SIGKILL) {
		if (!gpufas_signal_target(sig, task, type))
			return GPUFAS_SIGNAL_DYING;
		return gpufas_kill_threads(task);
	}

	/* legacy_queue() */
	pending = type == PIDTYPE_PID ? &task->pending : &signal->shared_pending;
	if (sig < SIGRTMIN && sigismember(&pending->signal, sig))
		return GPUFAS_SIGNAL_ALREADY_PENDING;

	sigaddset(&pending->signal, sig);
	return gpufas_tell_threads(sig, task, type);
}

#endif /* _GPUFAS_SIGNAL_H */
