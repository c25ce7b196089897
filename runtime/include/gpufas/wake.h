/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waking a sleeping task from outside, through the kernel's own queue for
 * wakeups by other CPUs.
 *
 * A CPU that wakes a task of another CPU may leave the task on that CPU's
 * call_single_queue and send it an interrupt, in which it puts the task on its
 * run queue: ttwu_queue_wakelist() and sched_ttwu_pending() in
 * kernel/sched/core.c. gpufas_wake_task() does the first half, and asks for
 * the interrupt. So the kernel itself does the scheduling, whatever its
 * scheduler is.
 *
 * All this is meant for a paused system, in which a lock that is free stays
 * free. A program that was compiled with --locks take takes the locks instead.
 * What a paused CPU was about to do is told by the task's own state:
 * comments say how. -EAGAIN stands for: it was caught in the middle, let it run
 * on and try again.
 */
#ifndef _GPUFAS_WAKE_H
#define _GPUFAS_WAKE_H

#include <gpufas/interrupt.h>
#include <gpufas/task.h>

#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#include <asm/irq_vectors.h>

/* kernel/smp.c has it for itself. */
DECLARE_PER_CPU(struct llist_head, gpufas_call_single_queue) __asm__("*:call_single_queue");

/* enum TASK_ON_RQ_QUEUED of kernel/sched/sched.h */
#define GPUFAS_TASK_ON_RQ_QUEUED 1

/*
 * The state that a task goes back to when it has what it waits for now: a
 * lock of PREEMPT_RT, and from 6.6 on the thaw after a freeze as well.
 */
#if defined(CONFIG_PREEMPT_RT) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define gpufas_saved_state(task) ((task)->saved_state)
#endif

/* How a task is to be woken. */
enum gpufas_wake_way {
	/* Not at all: it is not in any of the states. */
	GPUFAS_WAKE_NOT_ASLEEP,
	/* It sleeps on something else first, and is told not to sleep on after that. */
	GPUFAS_WAKE_SAVED_STATE,
	/* It has not gone to sleep yet, and is told not to. */
	GPUFAS_WAKE_RUNNABLE,
	/* It is left to its CPU. */
	GPUFAS_WAKE_QUEUE,
};

/*
 * Whether a task sleeps already although it stands on its run queue: it is
 * picked once more first (from 6.12 on), or lends its place to the owner of a
 * mutex (proxy execution).
 */
static inline bool gpufas_dequeue_is_delayed(const struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
	return task->se.sched_delayed || task->is_blocked;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return task->se.sched_delayed;
#else
	return false;
#endif
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

/* How often a task that is caught in the middle is looked at again: without a lock of ours, the kernel moves on meanwhile. */
#ifdef GPUFAS_LOCKS_TAKE
#define GPUFAS_WAKE_TRIES 1000
#else
#define GPUFAS_WAKE_TRIES 1
#endif

/* What gpufas_check_wake() says, once pi_lock is seen free or taken. */
static inline int gpufas_wake_way(struct task_struct *task, unsigned int state)
{
	unsigned int now = READ_ONCE(gpufas_task_state(task));
	unsigned int cpu = task_cpu(task);

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

	if (READ_ONCE(task->on_rq)) {
		/*
		 * ttwu_runnable(): it still stands on its run queue. On a CPU, it is
		 * about to leave it, and __schedule() may have looked at its state
		 * already. Otherwise it was preempted before it got there, and nobody
		 * looks at its state before it runs again; unless it is in the middle
		 * of a migration, or its dequeue is delayed.
		 */
		if (READ_ONCE(task->on_cpu) || task->on_rq != GPUFAS_TASK_ON_RQ_QUEUED ||
		    gpufas_dequeue_is_delayed(task))
			return -EAGAIN;
		return GPUFAS_WAKE_RUNNABLE;
	}

	/* __schedule() has taken it off, and is not finished: finish_task(). */
	if (READ_ONCE(task->on_cpu))
		return -EAGAIN;

	/* ttwu_queue_cond(); where this does not hold, select_task_rq() chooses another CPU. */
	if (!cpu_active(cpu) || !cpumask_test_cpu(cpu, task->cpus_ptr))
		return -ENXIO;

	return gpufas_check_interrupt(cpu) ?: GPUFAS_WAKE_QUEUE;
}

/*
 * gpufas_check_wake - how a task can be woken
 * @task:	the task
 * @state:	the states to wake it from, as for wake_up_state()
 *
 * This follows try_to_wake_up(), and changes nothing.
 *
 * Returns an enum gpufas_wake_way, or:
 * -EAGAIN	the kernel is about to wake the task, or to put it to sleep
 * -EOPNOTSUPP	its CPU cannot be sent an interrupt
 * -ENXIO	its CPU is offline, or none that it may run on any more, so that the
 *		kernel would choose another
 */
static inline int gpufas_check_wake(struct task_struct *task, unsigned int state)
{
	int tries, way;

	for (tries = 0; tries < GPUFAS_WAKE_TRIES; tries++) {
		/* try_to_wake_up() holds it throughout. */
		if (!gpufas_try_raw_lock(&task->pi_lock))
			continue;

		way = gpufas_wake_way(task, state);
		gpufas_raw_unlock(&task->pi_lock);
		if (way != -EAGAIN)
			return way;
	}

	return -EAGAIN;
}

/*
 * Put a task on its CPU's queue, and ask for the interrupt in which the CPU
 * takes it from there: __ttwu_queue_wakelist() and __smp_call_single_queue().
 *
 * What is not done is to set ttwu_pending of the run queue: it keeps idle_cpu()
 * from calling the CPU idle in the meantime, is cleared by
 * sched_ttwu_pending(), and lies in a structure that is in no header. A wakeup
 * that chooses the same CPU in that moment is no mistake.
 */
static inline int gpufas_queue_task(struct task_struct *task)
{
	unsigned int cpu = task_cpu(task);
	struct llist_head *queue = &per_cpu(gpufas_call_single_queue, cpu);
	struct llist_node *node = (struct llist_node *)&task->wake_entry;
	struct llist_node *first;
	int error;

	/* The interrupt first: an entry without one would keep all others from sending any. */
	error = gpufas_interrupt_cpu(cpu, CALL_FUNCTION_SINGLE_VECTOR, &queue->first,
				     (unsigned long)node);
	if (error)
		return error;

	task->sched_remote_wakeup = 0;
	WRITE_ONCE(gpufas_task_state(task), TASK_WAKING);

	/* llist_add(), which is in lib/llist.c of some kernels */
	do {
		first = READ_ONCE(queue->first);
		WRITE_ONCE(node->next, first);
	} while (cmpxchg(&queue->first, first, node) != first);
	return 0;
}

/*
 * gpufas_wake_task - wake a task that is in one of some states
 * @task:	the task
 * @state:	the states, as for wake_up_state()
 *
 * A task whose CPU was interrupted between setting its state and going to
 * sleep is woken too, as in the kernel. The task runs when the failing system runs on.
 *
 * Returns 1 if it was woken, 0 if it was in none of these states, or an error
 * of gpufas_check_wake(), with nothing written.
 */
static inline int gpufas_wake_task(struct task_struct *task, unsigned int state)
{
	int way = -EAGAIN, tries;

	for (tries = 0; tries < GPUFAS_WAKE_TRIES && way == -EAGAIN; tries++) {
		if (!gpufas_try_raw_lock(&task->pi_lock))
			continue;

		way = gpufas_wake_way(task, state);
#ifdef gpufas_saved_state
		if (way == GPUFAS_WAKE_SAVED_STATE)
			WRITE_ONCE(gpufas_saved_state(task), TASK_RUNNING);
#endif
		if (way == GPUFAS_WAKE_RUNNABLE)
			WRITE_ONCE(gpufas_task_state(task), TASK_RUNNING);
		if (way == GPUFAS_WAKE_QUEUE)
			way = gpufas_queue_task(task) ?: way;
		gpufas_raw_unlock(&task->pi_lock);
	}

	return way > 0 ? 1 : way;
}

#endif /* _GPUFAS_WAKE_H */
