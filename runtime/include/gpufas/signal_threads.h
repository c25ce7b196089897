/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling the threads of a process of a signal, as the end of complete_signal()
 * does (kernel/signal.c; function names in comments here are from it), and what
 * is done instead where no thread can be woken. A part of gpufas/signal.h, which
 * is what programs include; siglock is held, or seen free.
 */
#ifndef _GPUFAS_SIGNAL_THREADS_H
#define _GPUFAS_SIGNAL_THREADS_H

#include <gpufas/interrupt.h>
#include <gpufas/signal_result.h>
#include <gpufas/signal_rules.h>
#include <gpufas/task.h>
#include <gpufas/wake.h>

#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include <asm/irq_vectors.h>

/*
 * Tell a thread of a signal: signal_wake_up(). The caller has seen that it can
 * be woken, if it has to be. Returns whether the thread is awake now.
 */
static inline bool gpufas_signal_wake_up(struct task_struct *thread, bool fatal)
{
	unsigned int states = gpufas_signal_wake_states(thread, fatal);

	gpufas_clear_stopped(thread, states);
	set_tsk_thread_flag(thread, TIF_SIGPENDING);
	if (gpufas_wake_task(thread, states) > 0 || gpufas_task_state(thread) == TASK_WAKING)
		return true;

	/* kick_process(). If the CPU cannot be sent the interrupt, its next tick does the same. */
	if (READ_ONCE(thread->on_cpu))
		gpufas_interrupt_cpu(task_cpu(thread), RESCHEDULE_VECTOR, NULL, 0, 0);
	return gpufas_is_awake(thread);
}

/* The rest of complete_signal() for a signal that ends the process: every thread gets SIGKILL and is woken. */
static inline int gpufas_end_group(int sig, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	int result = GPUFAS_SIGNAL_ASLEEP;
	struct task_struct *thread;

	signal->flags = SIGNAL_GROUP_EXIT;
	signal->group_exit_code = sig;
	signal->group_stop_count = 0;

	for_each_thread(task, thread) {
		gpufas_clear_jobctl_pending(thread, JOBCTL_PENDING_MASK);
		sigaddset(&thread->pending.signal, SIGKILL);
		if (gpufas_signal_wake_up(thread, true))
			result = GPUFAS_SIGNAL_DELIVERED;
	}

	return result;
}

/*
 * SIGKILL where no thread can be woken: every thread gets one of its own, as in
 * complete_signal().
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
 * All signals but SIGKILL where no thread can be woken: tell the thread of the
 * kernel's choice. If it sleeps, tell those that are awake as well; whichever
 * comes first takes the signal from shared_pending.
 *
 * The kernel ends a process at once on a signal that is sure to be fatal. Here
 * the thread that takes it does that, in get_signal() and do_group_exit(), as
 * the kernel has it for signals that dump core; see gpufas_kill_threads() for
 * why.
 */
static inline int gpufas_tell_threads(int sig, struct task_struct *task, enum pid_type type,
				      struct task_struct *target)
{
	int result = GPUFAS_SIGNAL_ASLEEP;
	struct task_struct *thread;

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

#endif /* _GPUFAS_SIGNAL_THREADS_H */
