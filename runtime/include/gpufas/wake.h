/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waking a sleeping task from outside: gpufas_wake_task() does what
 * try_to_wake_up() does (kernel/sched/core.c; function names in comments here
 * are from it). A task that sleeps can be made to run in two ways:
 *
 *	gpufas/wake_queue.h	it is left to its CPU, as another CPU of the kernel's
 *				would leave it; the CPU schedules it
 *	gpufas/run_queue.h	it is put on a run queue, by the kernel's own scheduler,
 *				which is compiled together with the program
 *
 * `gpufas-cc --schedule` says which of them a program has: wake-queue (the
 * default), run-queue, or both, the preferred one first. Where the first is not
 * possible for a task, the second is tried; the log says why. docs/scheduling.md
 * says what each can do.
 *
 * All this is meant for a paused system, in which a lock that is free stays
 * free. A program that was compiled with --locks take takes the locks instead.
 * What a paused CPU was about to do is told by the task's own state:
 * comments say how. -EAGAIN stands for: it was caught in the middle, let it run
 * on and try again.
 */
#ifndef _GPUFAS_WAKE_H
#define _GPUFAS_WAKE_H

#include <gpufas/gpufas.h>
#include <gpufas/interrupt.h>
#include <gpufas/task.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/version.h>

/* gpufas-cc defines those of the ways that --schedule names, with their places in its list. */
#if !defined(GPUFAS_SCHEDULE_RUN_QUEUE) && !defined(GPUFAS_SCHEDULE_WAKE_QUEUE)
#define GPUFAS_SCHEDULE_WAKE_QUEUE 1
#endif

/*
 * The state that a task goes back to when it has what it waits for now: a
 * lock of PREEMPT_RT, and from 6.6 on the thaw after a freeze as well.
 */
#if defined(CONFIG_PREEMPT_RT) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define gpufas_saved_state(task) ((task)->saved_state)
#endif

/* How a task is woken. */
enum gpufas_wake_way {
	/* Not at all: it is not in any of the states. */
	GPUFAS_WAKE_NOT_ASLEEP,
	/* It sleeps on something else first, and is told not to sleep on after that. */
	GPUFAS_WAKE_SAVED_STATE,
	/* It has not gone to sleep yet, and is told not to. */
	GPUFAS_WAKE_RUNNABLE,
	/* It is left to its CPU. */
	GPUFAS_WAKE_QUEUE,
	/* It is put on a run queue, or told to stay there. */
	GPUFAS_WAKE_RUN_QUEUE,
};

/* What gpufas_wake_task() returns, in words */
static inline const char *gpufas_wake_text(int result)
{
	switch (result) {
	case GPUFAS_WAKE_NOT_ASLEEP:
		return "does not sleep";
	case GPUFAS_WAKE_SAVED_STATE:
	case GPUFAS_WAKE_RUNNABLE:
		return "woken, it had not gone to sleep yet";
	case GPUFAS_WAKE_QUEUE:
		return "woken, left to its CPU";
	case GPUFAS_WAKE_RUN_QUEUE:
		return "woken, put on a run queue";
	case -EAGAIN:
		return "cannot be woken now, the kernel is at work on it or its run queue";
	case -ESRCH:
		return "is gone";
	default:
		return "cannot be woken";
	}
}

/* Takes a lock if it is free, or sees that it is: what is free stays free in a paused system. */
#ifdef GPUFAS_LOCKS_TAKE
#define gpufas_try_lock(lock)		spin_trylock(lock)
#define gpufas_unlock(lock)		spin_unlock(lock)
#define gpufas_try_raw_lock(lock)	raw_spin_trylock(lock)
#define gpufas_raw_unlock(lock)		raw_spin_unlock(lock)
#else
#define gpufas_try_lock(lock)		(!spin_is_locked(lock))
#define gpufas_unlock(lock)		do { } while (0)
#define gpufas_try_raw_lock(lock)	(!raw_spin_is_locked(lock))
#define gpufas_raw_unlock(lock)		do { } while (0)
#endif

/*
 * Whether there is no use in looking again at what was caught in the middle. A
 * system that runs on moves on meanwhile, as soon as a virtual CPU that has a lock is
 * let run itself (GPUFAS_LOCK_PATIENCE_NS in gpufas/functions/locks.h).
 */
static inline bool gpufas_is_late(u64 start)
{
#ifdef GPUFAS_LOCKS_TAKE
	return gpufas_clock() - start > 100 * NSEC_PER_MSEC;
#else
	return true;
#endif
}

/* Why a task cannot be woken in each of the ways: NULL if it can be, or if that was not looked at. */
struct gpufas_wake_obstacles {
	const char *wake_queue;
	const char *run_queue;
};

#ifdef GPUFAS_SCHEDULE_WAKE_QUEUE
#include <gpufas/wake_queue.h>
#endif
#ifdef GPUFAS_SCHEDULE_RUN_QUEUE
#include <gpufas/run_queue.h>
#endif

/* Whether any task can be woken: where no interrupt can be sent, the wake queue is of no use. */
static inline bool gpufas_can_wake(void)
{
#ifdef GPUFAS_SCHEDULE_RUN_QUEUE
	return true;
#else
	return gpufas_can_interrupt();
#endif
}

/*
 * How to make a task run that is in one of the states: the preferred one of the
 * ways that is possible. pi_lock is seen free or taken.
 */
static inline int gpufas_select_way(struct task_struct *task,
				    struct gpufas_wake_obstacles *obstacles)
{
#if !defined(GPUFAS_SCHEDULE_RUN_QUEUE)
	return gpufas_check_wake_queue(task, &obstacles->wake_queue);
#elif !defined(GPUFAS_SCHEDULE_WAKE_QUEUE)
	return gpufas_check_run_queue(task, &obstacles->run_queue);
#else
	const bool prefers_run_queue = GPUFAS_SCHEDULE_RUN_QUEUE < GPUFAS_SCHEDULE_WAKE_QUEUE;
	int first, second;

	first = prefers_run_queue ? gpufas_check_run_queue(task, &obstacles->run_queue) :
				    gpufas_check_wake_queue(task, &obstacles->wake_queue);
	if (first >= 0)
		return first;

	second = prefers_run_queue ? gpufas_check_wake_queue(task, &obstacles->wake_queue) :
				     gpufas_check_run_queue(task, &obstacles->run_queue);
	return second < 0 && first == -EAGAIN ? first : second;
#endif
}

/* What gpufas_check_wake() says, once pi_lock is seen free or taken. */
static inline int gpufas_wake_way(struct task_struct *task, unsigned int state,
				  struct gpufas_wake_obstacles *obstacles)
{
	unsigned int now = READ_ONCE(gpufas_task_state(task));

	/* It is on a wakeup queue already. */
	if (now == TASK_WAKING)
		return -EAGAIN;

	/* ttwu_state_match() */
	if (!(now & state)) {
#ifdef gpufas_saved_state
		if (READ_ONCE(gpufas_saved_state(task)) & state)
			return GPUFAS_WAKE_SAVED_STATE;
#endif
		return GPUFAS_WAKE_NOT_ASLEEP;
	}

	return gpufas_select_way(task, obstacles);
}

/* Say what stood in the way. */
static inline void gpufas_log_obstacles(const struct task_struct *task,
					const struct gpufas_wake_obstacles *obstacles)
{
	if (obstacles->run_queue)
		gpufas_log("%d (%s): cannot be put on a run queue: %s\n", task->pid, task->comm,
			   obstacles->run_queue);
	if (obstacles->wake_queue)
		gpufas_log("%d (%s): cannot be left to its CPU: %s\n", task->pid, task->comm,
			   obstacles->wake_queue);
}

/*
 * gpufas_check_wake - how a task can be woken
 * @task:	the task
 * @state:	the states to wake it from, as for wake_up_state()
 *
 * This follows try_to_wake_up(), and changes nothing. What stands in the way of
 * a preferred way, or of all, is in the log.
 *
 * Returns an enum gpufas_wake_way, or:
 * -EAGAIN	the kernel is about to wake the task, or to put it to sleep, or a lock is held
 * -EOPNOTSUPP	its CPU cannot be sent an interrupt; its run queue cannot be changed from outside
 * -ENXIO	its CPU is offline, or none that it may run on any more, so that the
 *		kernel would choose another
 */
static inline int gpufas_check_wake(struct task_struct *task, unsigned int state)
{
	struct gpufas_wake_obstacles obstacles = {};
	u64 start = gpufas_clock();
	int way = -EAGAIN;

	do {
		/* try_to_wake_up() holds it throughout. */
		if (!gpufas_try_raw_lock(&task->pi_lock))
			continue;

		obstacles = (struct gpufas_wake_obstacles){};
		way = gpufas_wake_way(task, state, &obstacles);
		gpufas_raw_unlock(&task->pi_lock);
	} while (way == -EAGAIN && !gpufas_is_late(start));

	gpufas_log_obstacles(task, &obstacles);
	return way;
}

/*
 * Have a task that was preempted on its way to sleep not sleep.
 *
 * In a system that runs on it may be picked and leave its run queue at any moment, which only the
 * lock of its run queue keeps it from (ttwu_runnable()): then its state must not be
 * written any more. That lock lies in a structure that is in no header. But who has a
 * signal to take does not sleep anyway: __schedule() looks for that.
 */
static inline int gpufas_keep_runnable(struct task_struct *task)
{
#ifdef GPUFAS_LOCKS_TAKE
	return signal_pending_state(READ_ONCE(gpufas_task_state(task)), task) ? 0 : -EAGAIN;
#else
	WRITE_ONCE(gpufas_task_state(task), TASK_RUNNING);
	return 0;
#endif
}

/*
 * gpufas_wake_task - wake a task that is in one of some states
 * @task:	the task
 * @state:	the states, as for wake_up_state()
 *
 * A task whose CPU was interrupted between setting its state and going to
 * sleep is woken too, as in the kernel. The task runs when the failing system runs on.
 *
 * Returns the enum gpufas_wake_way in which it was woken, of which
 * GPUFAS_WAKE_NOT_ASLEEP, 0, says that it was in none of these states; or an
 * error of gpufas_check_wake(), with nothing written.
 */
static inline int gpufas_wake_task(struct task_struct *task, unsigned int state)
{
	struct gpufas_wake_obstacles obstacles;
	u64 start = gpufas_clock();
	int way = -EAGAIN;

	do {
		if (!gpufas_try_raw_lock(&task->pi_lock))
			continue;

		way = gpufas_wake_way(task, state, &obstacles);
#ifdef gpufas_saved_state
		if (way == GPUFAS_WAKE_SAVED_STATE)
			WRITE_ONCE(gpufas_saved_state(task), TASK_RUNNING);
#endif
		if (way == GPUFAS_WAKE_RUNNABLE)
			way = gpufas_keep_runnable(task) ?: way;
#ifdef GPUFAS_SCHEDULE_WAKE_QUEUE
		if (way == GPUFAS_WAKE_QUEUE)
			way = gpufas_queue_task(task) ?: way;
#endif
#ifdef GPUFAS_SCHEDULE_RUN_QUEUE
		if (way == GPUFAS_WAKE_RUN_QUEUE)
			way = gpufas_enqueue_task(task) ?: way;
#endif
		gpufas_raw_unlock(&task->pi_lock);
	} while (way == -EAGAIN && !gpufas_is_late(start));

	return way;
}

#endif /* _GPUFAS_WAKE_H */
