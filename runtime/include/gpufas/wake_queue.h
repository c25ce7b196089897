/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waking a task through the kernel's own queue for wakeups by other CPUs: one of
 * the ways of gpufas/wake.h, which is what programs include.
 *
 * A CPU that wakes a task of another CPU may leave the task on that CPU's
 * call_single_queue and send it an interrupt, in which it puts the task on its
 * run queue: ttwu_queue_wakelist() and sched_ttwu_pending() in
 * kernel/sched/core.c. gpufas_queue_task() does the first half, and asks for
 * the interrupt. So the kernel itself does the scheduling, whatever its
 * scheduler is.
 */
#ifndef _GPUFAS_WAKE_QUEUE_H
#define _GPUFAS_WAKE_QUEUE_H

#include <gpufas/interrupt.h>
#include <gpufas/task.h>

#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/version.h>

#include <asm/irq_vectors.h>

/* kernel/smp.c has it for itself. */
DECLARE_PER_CPU(struct llist_head, gpufas_call_single_queue) __asm__("*:call_single_queue");

/* enum TASK_ON_RQ_QUEUED of kernel/sched/sched.h */
#define GPUFAS_TASK_ON_RQ_QUEUED 1

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

/*
 * Whether a BPF program schedules a task, which may want to choose its CPU at each wakeup: ttwu_queue_cond(). Some
 * let it be left to its CPU (SCX_OPS_ALLOW_QUEUED_WAKEUP); which is not looked at.
 */
static inline bool gpufas_is_scheduled_by_bpf(const struct task_struct *task)
{
#ifdef CONFIG_SCHED_CLASS_EXT
	extern const struct sched_class ext_sched_class;

	return task->sched_class == &ext_sched_class;
#else
	return false;
#endif
}

/*
 * Whether a task that is in a state to be woken from can be left to its CPU:
 * GPUFAS_WAKE_QUEUE, GPUFAS_WAKE_RUNNABLE, or an error of gpufas_check_wake(), and why.
 */
static inline int gpufas_check_wake_queue(struct task_struct *task, const char **obstacle)
{
	unsigned int cpu = task_cpu(task);
	int error;

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

	if (!gpufas_can_interrupt()) {
		*obstacle = "no interrupts can be sent";
		return -EOPNOTSUPP;
	}

	if (gpufas_is_scheduled_by_bpf(task)) {
		*obstacle = "a BPF program schedules it (sched_ext)";
		return -EOPNOTSUPP;
	}

	/* ttwu_queue_cond(); where this does not hold, select_task_rq() chooses another CPU. */
	if (!cpu_active(cpu) || !cpumask_test_cpu(cpu, task->cpus_ptr)) {
		*obstacle = "its CPU is offline, or one that it may not run on any more";
		return -ENXIO;
	}

	error = gpufas_check_interrupt(cpu);
	if (error)
		*obstacle = "the id of its CPU's APIC is above 255, which no interrupt from outside reaches";
	return error ?: GPUFAS_WAKE_QUEUE;
}

/*
 * Put a task on its CPU's queue, and ask for the interrupt in which the CPU
 * takes it from there: __ttwu_queue_wakelist() and __smp_call_single_queue().
 *
 * A program may be ended at each turn of a loop. What has TASK_WAKING and is on no
 * queue nobody wakes any more, so that the task has it within one turn only.
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
	unsigned int asleep = gpufas_task_state(task);
	struct llist_node *first;
	int error;

	/*
	 * The interrupt first: an entry without one would keep all others from sending any.
	 *
	 * That it was served is seen by the task's state, which nobody but
	 * ttwu_do_wakeup() changes from TASK_WAKING, called by sched_ttwu_pending() on
	 * that CPU. The queue's first entry changes also when another CPU adds to it, and
	 * the entry's own next one not at all if it was alone. Of several tasks for one
	 * CPU the last one is watched: they are woken in the order in which they were added.
	 */
	error = gpufas_interrupt_cpu(cpu, CALL_FUNCTION_SINGLE_VECTOR, &gpufas_task_state(task),
				     sizeof(gpufas_task_state(task)), TASK_WAKING);
	if (error)
		return error;

	task->sched_remote_wakeup = 0;

	/* llist_add(), which is in lib/llist.c of some kernels */
	for (;;) {
		first = READ_ONCE(queue->first);
		WRITE_ONCE(node->next, first);
		WRITE_ONCE(gpufas_task_state(task), TASK_WAKING);
		if (cmpxchg(&queue->first, first, node) == first)
			return 0;
		WRITE_ONCE(gpufas_task_state(task), asleep);
	}
}

#endif /* _GPUFAS_WAKE_QUEUE_H */
