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
 * Wake a thread from the states that a signal ends. One that is stopped and cannot be woken stays
 * stopped, also as its flags have it. Returns what gpufas_wake_task() does.
 */
static inline int gpufas_wake_signaled(struct task_struct *thread, unsigned int states)
{
	unsigned long jobctl = thread->jobctl;
	int way;

	gpufas_clear_stopped(thread, states);
	way = gpufas_wake_task(thread, states);
	if (way < 0 && thread->jobctl != jobctl)
		thread->jobctl = jobctl;
	return way;
}

/*
 * Tell a thread of a signal: signal_wake_up(). The caller has seen that it can
 * be woken, if it has to be; a system that runs on may have changed since.
 *
 * Returns 1 if the thread is awake now, 0 if it sleeps on because the signal
 * does not end its sleep, or an error of gpufas_wake_task() if it should have been woken.
 */
static inline int gpufas_signal_wake_up(struct task_struct *thread, bool fatal)
{
	int way;

	set_tsk_thread_flag(thread, TIF_SIGPENDING);
	/* It is about to run as it is, perhaps since it was sent SIGCONT. */
	if (READ_ONCE(gpufas_task_state(thread)) == TASK_WAKING)
		return 1;

	way = gpufas_wake_signaled(thread, gpufas_signal_wake_states(thread, fatal));
	if (way > 0 || gpufas_task_state(thread) == TASK_WAKING)
		return 1;

	/* kick_process(). If the CPU cannot be sent the interrupt, its next tick does the same. */
	if (READ_ONCE(thread->on_cpu))
		gpufas_interrupt_cpu(task_cpu(thread), RESCHEDULE_VECTOR, NULL, 0, 0);
	return gpufas_is_awake(thread) ? 1 : way;
}

/*
 * The rest of complete_signal() for a signal that ends the process: every thread
 * gets SIGKILL and is woken.
 *
 * complete_signal() begins with SIGNAL_GROUP_EXIT and the signal itself, for its
 * wakeups do not fail. Here one can, and the program can be ended between any
 * two stores. A process with the flag that has threads which were not woken could not be
 * ended any more, see gpufas_kill_threads(). So both come last, which siglock
 * hides from the system, and not at all if a thread was not woken: the
 * first one that is awake ends the others then, as there, though by SIGKILL
 * whatever the signal was.
 */
static inline int gpufas_end_group(int sig, struct task_struct *task, struct sigpending *pending)
{
	struct signal_struct *signal = task->signal;
	int result = GPUFAS_SIGNAL_ASLEEP;
	struct task_struct *thread;
	bool all_told = true;

	for_each_thread(task, thread) {
		int awake;

		if (thread->exit_state)
			continue;

		gpufas_clear_jobctl_pending(thread, JOBCTL_PENDING_MASK);
		sigaddset(&thread->pending.signal, SIGKILL);
		awake = gpufas_signal_wake_up(thread, true);
		if (awake > 0 && gpufas_takes_fatal_signals(thread))
			result = GPUFAS_SIGNAL_DELIVERED;
		else if (awake < 0)
			all_told = false;
	}

	if (all_told) {
		sigaddset(&pending->signal, sig);
		signal->group_exit_code = sig;
		signal->group_stop_count = 0;
		signal->flags = SIGNAL_GROUP_EXIT;
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
		if (gpufas_is_awake(thread) && gpufas_takes_fatal_signals(thread))
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
