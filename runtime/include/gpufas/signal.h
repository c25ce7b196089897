/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sending a signal from outside: gpufas_send_signal() does what the kernel's
 * own sender does (kernel/signal.c; function names in comments here are from
 * it).
 *
 * A signal is looked at on the way out of the kernel (exit_to_user_mode_loop()
 * sees TIF_SIGPENDING). A running task takes that way at its next system call,
 * fault or timer tick; one that sleeps or is stopped must be woken, as
 * gpufas/wake.h does it, in one of the ways that gpufas-cc --schedule names.
 *
 * Where none of them is possible, as through the wake queue if no interrupt can
 * be sent, nothing can be woken. The signal is then left pending, and acts when
 * something else wakes the task; gpufas_send_signal() tells the two apart. Until then the system's own
 * signals do not wake it either, because wants_signal() takes TIF_SIGPENDING to
 * mean that it was woken; but SIGKILL does.
 *
 * The kernel gives each signal a struct sigqueue that says who sent it. None is
 * allocated here. The kernel copes: __send_signal_locked() itself sets only the
 * bit for SIGKILL and when memory is short, and collect_signal() then reports
 * SI_USER from pid 0, uid 0. Who waits for a signal on a signalfd sees it when
 * it looks next: signalfd_notify() calls functions of the kernel.
 *
 * All this is meant for a paused guest: the host pauses it around programs that
 * write. A lock that is held then was caught in the middle, hence -EAGAIN. With
 * --locks take, locks are taken instead.
 */
#ifndef _GPUFAS_SIGNAL_H
#define _GPUFAS_SIGNAL_H

#include <gpufas/gpufas.h>
#include <gpufas/signal_result.h>
#include <gpufas/signal_rules.h>
#include <gpufas/signal_threads.h>
#include <gpufas/task.h>
#include <gpufas/wake.h>

#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/spinlock.h>

/* Whether siglock is had: in a system that runs on whoever holds it is waited for. */
static inline bool gpufas_lock_signals(struct sighand_struct *sighand)
{
	u64 start = gpufas_clock();

	while (!gpufas_try_lock(&sighand->siglock))
		if (gpufas_is_late(start))
			return false;
	return true;
}

/*
 * gpufas_wake_for_signals - wake a task that sleeps, if the signals that it has pending end its sleep
 *
 * For a signal that was left pending without waking anybody. Returns an enum
 * gpufas_wake_way, 0 if it does not sleep so; or with nothing written -ESRCH for
 * a dead task, -EAGAIN, or an error of gpufas_check_wake().
 */
static inline int gpufas_wake_for_signals(struct task_struct *task)
{
	unsigned int states = gpufas_signal_wake_states(task, fatal_signal_pending(task));
	struct sighand_struct *sighand = READ_ONCE(task->sighand);
	int way;

	if (!sighand)
		return -ESRCH;

	if (!gpufas_lock_signals(sighand))
		return -EAGAIN;

	way = gpufas_check_wake(task, states);
	if (way > 0)
		way = gpufas_wake_signaled(task, states);
	gpufas_unlock(&sighand->siglock);
	return way;
}

/*
 * Whether SIGCONT can set a process going: it wakes each thread that is
 * stopped, and the first to run tells the parent. Half of that would be worse
 * than nothing, for JOBCTL_STOPPED must match the thread's state.
 */
static inline int gpufas_check_continue(struct task_struct *task)
{
	struct task_struct *thread;

	for_each_thread(task, thread) {
		int way;

		/* ptrace_trap_notify() is for a debugger that listens. */
		if (thread->ptrace & PT_SEIZED)
			return -EOPNOTSUPP;

		way = gpufas_check_wake(thread, __TASK_STOPPED);
		if (way < 0)
			return way;
	}

	return 0;
}

/*
 * The part of prepare_signal() for SIGCONT: every thread goes on. Returns whether any was stopped, or
 * was to be; or an error of gpufas_wake_task() if a thread could not be woken after all. The
 * process does not count as continued then, so that the next SIGCONT does the rest.
 */
static inline int gpufas_continue(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *thread;
	unsigned int why = 0;
	int error = 0;

	for_each_thread(task, thread) {
		unsigned long jobctl;
		int way;

		gpufas_clear_jobctl_pending(thread, JOBCTL_STOP_PENDING);
		jobctl = thread->jobctl;
#ifdef JOBCTL_STOPPED
		if (jobctl & JOBCTL_STOPPED)
			thread->jobctl &= ~JOBCTL_STOPPED;
#endif
		way = gpufas_wake_task(thread, __TASK_STOPPED);
		if (way < 0) {
			if (thread->jobctl != jobctl)
				thread->jobctl = jobctl;
			error = way;
		}
	}
	if (error)
		return error;

	/* The first thread to leave do_signal_stop() tells the parent. */
	if (signal->flags & SIGNAL_STOP_STOPPED)
		why = SIGNAL_CLD_CONTINUED;
	else if (signal->group_stop_count)
		why = SIGNAL_CLD_STOPPED;

	if (why) {
		signal_set_stop_flags(signal, why | SIGNAL_STOP_CONTINUED);
		signal->group_stop_count = 0;
		signal->group_exit_code = 0;
	}
	return why ? 1 : 0;
}

/*
 * Whether the threads of a process can be told of a signal that ends it: if one can that then ends the
 * others, since the kernel wakes these (zap_other_threads()). One of hundreds that is
 * falling asleep need not keep the process from being killed.
 */
static inline int gpufas_check_group(struct task_struct *task, bool *wakes)
{
	bool is_taken = false, is_busy = false, fails = false;
	struct task_struct *thread;

	for_each_thread(task, thread) {
		int way = GPUFAS_WAKE_QUEUE;

		/* It is about to run as it is. */
		if (READ_ONCE(gpufas_task_state(thread)) != TASK_WAKING)
			way = gpufas_check_wake(thread, gpufas_signal_wake_states(thread, true));

		if (way == -EAGAIN)
			is_busy = true;
		else if (way < 0)
			fails = true;
		else if (way > 0 || gpufas_is_awake(thread))
			is_taken |= gpufas_takes_fatal_signals(thread);
	}

	if (is_busy && !is_taken)
		return -EAGAIN;

	*wakes = is_taken || !fails;
	return 0;
}

/*
 * Whether a signal can be sent now, before anything is written: 0 or an error. Sets @wakes to
 * whether whoever has to be woken for it can be.
 */
static inline int gpufas_check_threads(int sig, struct task_struct *task,
				       struct task_struct *target, bool ends_group, bool *wakes)
{
	struct task_struct *thread;
	int error;

	/*
	 * A debugger is attaching and waits for this flag, with which
	 * task_clear_jobctl_trapping() would wake it. It is a matter of
	 * microseconds, see ptrace_attach().
	 */
	for_each_thread(task, thread)
		if (thread->jobctl & JOBCTL_TRAPPING)
			return -EAGAIN;

	if (sig == SIGCONT) {
		error = gpufas_check_continue(task);
		if (error)
			return error;
	}

	*wakes = gpufas_can_wake();
	if (!*wakes || !target)
		return 0;
	if (ends_group)
		return gpufas_check_group(task, wakes);
	if (READ_ONCE(gpufas_task_state(target)) == TASK_WAKING)
		return 0;

	error = gpufas_check_wake(target, gpufas_signal_wake_states(target, false));
	if (error == -EAGAIN)
		return error;

	*wakes = error >= 0;
	return 0;
}

/* gpufas_send_signal() with siglock held, or seen free. */
static inline int gpufas_send_signal_locked(int sig, struct task_struct *task, enum pid_type type)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *target;
	struct sigpending *pending;
	bool ends_group, wakes;
	int continued = 0;
	int error;

	if (gpufas_signal_is_too_late(sig, signal))
		return GPUFAS_SIGNAL_DYING;

	target = sig ? gpufas_signal_target(sig, task, type) : NULL;
	ends_group = target && gpufas_signal_ends_group(sig, task, target);
	error = gpufas_check_threads(sig, task, target, ends_group, &wakes);
	if (error)
		return error;

	if (!sig)
		return GPUFAS_SIGNAL_IGNORED;

	gpufas_cancel_opposite(sig, task);
	if (sig == SIGCONT)
		continued = gpufas_continue(task);
	if (continued < 0)
		return continued;
	if (gpufas_signal_is_ignored(sig, task))
		return continued ? GPUFAS_SIGNAL_CONTINUED : GPUFAS_SIGNAL_IGNORED;

	if (sig == SIGKILL && !target)
		return GPUFAS_SIGNAL_DYING;
	if (sig == SIGKILL && !wakes)
		return gpufas_kill_threads(task);

	/* legacy_queue(); but a process that was sent SIGKILL without being woken is woken now. */
	pending = type == PIDTYPE_PID ? &task->pending : &signal->shared_pending;
	if (sig < SIGRTMIN && sig != SIGKILL && sigismember(&pending->signal, sig))
		return continued ? GPUFAS_SIGNAL_CONTINUED : GPUFAS_SIGNAL_ALREADY_PENDING;

	/* A thread that has just been set going may take it. */
	if (continued)
		target = gpufas_signal_target(sig, task, type);
	if (target && target != task)
		signal->curr_target = target;
	if (ends_group && wakes)
		return gpufas_end_group(sig, task, pending);

	sigaddset(&pending->signal, sig);
	if (!target)
		return continued ? GPUFAS_SIGNAL_CONTINUED : GPUFAS_SIGNAL_PENDING;
	if (!wakes)
		return gpufas_tell_threads(sig, task, type, target);
	return gpufas_signal_wake_up(target, sig == SIGKILL) > 0 ? GPUFAS_SIGNAL_DELIVERED :
								   GPUFAS_SIGNAL_ASLEEP;
}

/*
 * gpufas_send_signal - send a signal as the kernel would
 * @sig:	the signal; 0 only checks that the task can be sent one
 * @task:	a task; any thread of the process will do for PIDTYPE_TGID
 * @type:	PIDTYPE_TGID for the process, PIDTYPE_PID for this thread alone
 *
 * Like send_signal_locked() for SEND_SIG_PRIV. The signal goes where the kernel
 * would have put it, and wakes whom it would have woken; where nothing can be woken,
 * as gpufas_kill_threads() and gpufas_tell_threads() explain.
 *
 * Returns an enum gpufas_signal_result; or, with nothing written (but for a SIGCONT that a system which
 * runs on came in the way of, which does no harm to send again):
 * -EINVAL	no such signal, or another type
 * -ESRCH	the task is dead and its parent knows
 * -EAGAIN	siglock is held, or a task is about to sleep or wake: let the system
 *		run on and try again
 * -EOPNOTSUPP	SIGCONT to a process with stopped threads, or under a debugger,
 *		that cannot be woken
 * -ENXIO	the same, since its CPU is offline
 */
static inline int gpufas_send_signal(int sig, struct task_struct *task, enum pid_type type)
{
	struct sighand_struct *sighand = READ_ONCE(task->sighand);
	int result;

	if (!valid_signal(sig) || (type != PIDTYPE_PID && type != PIDTYPE_TGID))
		return -EINVAL;

	/* __exit_signal() takes sighand away: __lock_task_sighand(). */
	if (!sighand)
		return -ESRCH;

	if (!gpufas_lock_signals(sighand))
		return -EAGAIN;

	result = sighand == READ_ONCE(task->sighand) ? gpufas_send_signal_locked(sig, task, type) :
						       -EAGAIN;
	gpufas_unlock(&sighand->siglock);
	return result;
}

#endif /* _GPUFAS_SIGNAL_H */
