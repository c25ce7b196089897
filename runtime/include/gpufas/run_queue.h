/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pseudo scheduling through the run queue: a task that sleeps is put on a run
 * queue from outside, by the kernel's own scheduler. One of the ways of
 * gpufas/wake.h, which is what programs include.
 *
 * A program is compiled together with the scheduler's sources (function names in
 * comments are from there):
 *
 *	gpufas-cc kill.c --schedule run-queue --kernel RELEASE --kernel-source DIR
 *
 * It is then these that know what CFS or EEVDF, group scheduling and the
 * accounting of load and pressure want done; here is only what try_to_wake_up()
 * and ttwu_do_activate() do around them, since those also wait for other CPUs and
 * send them interrupts.
 *
 * Whatever could make it fail is looked at before the first store: locks of the
 * kernel's that are held are -EAGAIN, what cannot be done from outside is
 * -EOPNOTSUPP. Should the kernel's code reach something that a program cannot do
 * all the same, all that was written is taken back while the guest is paused
 * (gpufas_all_or_nothing()).
 *
 * A guest that runs on is changed under the locks that the kernel itself takes
 * (--locks take). From a GPU, which cannot take them, a running system is paused
 * by its in-kernel support (gpufas/support_pause.h).
 *
 * It defines what the scheduler's sources call (gpufas/scheduler.h), so that one
 * source of a program includes it.
 */
#ifndef _GPUFAS_RUN_QUEUE_H
#define _GPUFAS_RUN_QUEUE_H

#include <gpufas/gpufas.h>
#include <gpufas/interrupt.h>
#include <gpufas/scheduler.h>
#include <gpufas/task.h>

#include <linux/version.h>

/*
 * What stands in the way of changing a run queue from outside, NULL if nothing
 * does: whatever would have to be called in the running kernel.
 */
static inline const char *gpufas_run_queue_obstacle(struct rq *rq)
{
	if (sched_core_enabled(rq))
		return "core scheduling is on";
	if (rcu_access_pointer(*per_cpu_ptr(&cpufreq_update_util_data, cpu_of(rq))))
		return "a frequency governor wants to be told";
	if (tick_nohz_full_cpu(cpu_of(rq)))
		return "its CPU may run without a tick (nohz_full)";
	if (gpufas_scheduler_is_traced())
		return "a tracepoint of the scheduler is on";
	if (gpufas_account_needs_pause(rq->curr))
		return "what its CPU runs has its time counted in a way that takes a paused system";
	return NULL;
}

/* The same for a task on that run queue. */
static inline const char *gpufas_enqueue_obstacle(struct rq *rq, struct task_struct *task)
{
	const char *obstacle = gpufas_run_queue_obstacle(rq);

	if (obstacle)
		return obstacle;
	if (rt_task(task) ? task->sched_class != &rt_sched_class :
			    task->sched_class != &fair_sched_class)
		return "it is scheduled neither as a fair nor as a real-time task";
	if (gpufas_has_bandwidth(task))
		return "its group's CPU time is limited";
	if (gpufas_has_pressure_trigger(task))
		return "a pressure monitor wants to be told";
	return NULL;
}

/*
 * Whether a CPU would run the task, if it stood there. A fair task waits for
 * all others; a real-time task for those that are more important.
 */
static inline bool gpufas_cpu_is_able(struct task_struct *task, int cpu)
{
	struct task_struct *running = cpu_rq(cpu)->curr;

	if (!cpumask_test_cpu(cpu, task->cpus_ptr) || !cpu_active(cpu))
		return false;
	return rt_task(task) ? task->prio < running->prio : !rt_task(running);
}

/* Whether a CPU is able and, if @soon, looks at its run queue soon: an idle one has no tick, and may be sent no interrupt. */
static inline bool gpufas_cpu_is_fit(struct task_struct *task, int cpu, bool soon)
{
	return gpufas_cpu_is_able(task, cpu) &&
	       (!soon || gpufas_can_interrupt() || cpu_rq(cpu)->curr != cpu_rq(cpu)->idle);
}

/* A task's last CPU if it is fit, else the first that is; nr_cpu_ids if there is none */
static inline int gpufas_find_fit_cpu(struct task_struct *task, bool soon)
{
	int cpu = task_cpu(task);

	if (gpufas_cpu_is_fit(task, cpu, soon))
		return cpu;
	for_each_cpu_and(cpu, task->cpus_ptr, cpu_active_mask)
		if (gpufas_cpu_is_fit(task, cpu, soon))
			return cpu;
	return nr_cpu_ids;
}

/*
 * The CPU for a task: one that is able to run it, rather one that looks soon, else any
 * that it may use, its last one first each time; nr_cpu_ids if there is none.
 * select_task_rq() also looks for idle ones, which the kernel's balancing does later.
 */
static inline int gpufas_select_cpu(struct task_struct *task)
{
	int cpu = gpufas_find_fit_cpu(task, true);

	if (cpu >= nr_cpu_ids)
		cpu = gpufas_find_fit_cpu(task, false);
	if (cpu < nr_cpu_ids)
		return cpu;

	cpu = task_cpu(task);
	if (cpumask_test_cpu(cpu, task->cpus_ptr) && cpu_active(cpu))
		return cpu;
	return cpumask_first_and(task->cpus_ptr, cpu_active_mask);
}

/*
 * Make sure that a CPU looks at its run queue when the system runs on: resched_curr()
 * sets TIF_NEED_RESCHED of the task that it runs, and sends an interrupt, which is
 * asked for here, before anything changes. A CPU that was told before needs no other.
 * Where none can be sent the CPU notices at its next interrupt, which is the next tick
 * unless it is idle.
 */
static inline void gpufas_tell_cpu(struct rq *rq)
{
	if (!test_tsk_need_resched(rq->curr))
		gpufas_interrupt_cpu(cpu_of(rq), RESCHEDULE_VECTOR, NULL, 0, 0);
}

/*
 * ttwu_do_activate(), without the tracepoint, the statistics of idle times and
 * task_woken(), with which a real-time task that cannot run here would look for
 * another CPU: gpufas_select_cpu() has done that.
 */
static inline void gpufas_activate(struct rq *rq, struct task_struct *task, bool migrated)
{
	int flags = ENQUEUE_WAKEUP | ENQUEUE_NOCLOCK;

	if (task->sched_contributes_to_load)
		rq->nr_uninterruptible--;

	if (migrated)
		flags |= ENQUEUE_MIGRATED;
	else if (task->in_iowait)
		atomic_dec(&rq->nr_iowait);

	activate_task(rq, task, flags);
	gpufas_wakeup_preempt(rq, task);
	gpufas_set_running(task);
}

/*
 * Whether a task that is in a state to be woken from can be put on a run queue:
 * GPUFAS_WAKE_RUN_QUEUE, or an error of gpufas_check_wake(), and why.
 */
static inline int gpufas_check_run_queue(struct task_struct *task, const char **obstacle)
{
	int cpu = task_cpu(task);

	gpufas_all_or_nothing();

	if (!task_on_rq_queued(task)) {
		/* Between two run queues, or its CPU has not left it yet. */
		if (task->on_rq || READ_ONCE(task->on_cpu))
			return -EAGAIN;

		cpu = gpufas_select_cpu(task);
		if (cpu >= nr_cpu_ids) {
			*obstacle = "no CPU that it may use is active";
			return -ENXIO;
		}
	} else if (gpufas_is_proxied(task)) {
		return -EAGAIN;
	}

	*obstacle = gpufas_enqueue_obstacle(cpu_rq(cpu), task);
	if (*obstacle)
		return -EOPNOTSUPP;

	if (gpufas_is_locked(cpu_rq(cpu), task) || gpufas_is_locked(task_rq(task), task)) {
		*obstacle = "a lock of the scheduler's is held";
		return -EAGAIN;
	}
	return GPUFAS_WAKE_RUN_QUEUE;
}

/* rq_lock(), or that the lock cannot be had. */
static inline bool gpufas_try_lock_run_queue(struct rq *rq, struct rq_flags *flags)
{
	if (!gpufas_try_raw_lock(rq_lockp(rq)))
		return false;
	rq_pin_lock(rq, flags);
	return true;
}

/*
 * ttwu_runnable(): the task has not left its run queue. Either it was preempted
 * on its way to sleep, or it is to stay until its lag is gone (EEVDF's delayed
 * dequeue).
 */
static inline void gpufas_enqueue_again(struct rq *rq, struct task_struct *task)
{
	gpufas_requeue_delayed(rq, task);
	if (!task->on_cpu)
		gpufas_wakeup_preempt(rq, task);
	gpufas_set_running(task);
}

/* The end of try_to_wake_up(): a task that sleeps gets to a run queue. */
static inline void gpufas_enqueue_asleep(struct rq *rq, struct task_struct *task)
{
	bool migrates = task_cpu(task) != cpu_of(rq);

	if (migrates) {
		WRITE_ONCE(gpufas_task_state(task), TASK_WAKING);
		if (task->in_iowait)
			atomic_dec(&task_rq(task)->nr_iowait);
		psi_ttwu_dequeue(task);
		set_task_cpu(task, cpu_of(rq));
	}
	gpufas_activate(rq, task, migrates);
}

/*
 * gpufas_enqueue_task - put a task on a run queue
 * @task:	one for which gpufas_check_run_queue() said that it can be, with pi_lock seen free or taken since
 *
 * Returns 0, or with nothing written -EAGAIN if the lock of the run queue is held.
 */
static inline int gpufas_enqueue_task(struct task_struct *task)
{
	bool is_queued = task_on_rq_queued(task);
	int cpu = is_queued ? task_cpu(task) : gpufas_select_cpu(task);
	struct rq_flags flags;
	struct rq *rq;

	/* In a system that runs on all may have changed since. */
	if (cpu >= nr_cpu_ids)
		return -EAGAIN;

	rq = cpu_rq(cpu);
	if (!gpufas_try_lock_run_queue(rq, &flags))
		return -EAGAIN;

	/* Until its lock is held a task may leave its run queue, or get to another: __task_rq_lock() */
	if (task_on_rq_queued(task) != is_queued ||
	    (is_queued ? task_rq(task) != rq : task->on_rq || READ_ONCE(task->on_cpu))) {
		rq_unlock(rq, &flags);
		return -EAGAIN;
	}

	/* Under its lock: the CPU must not have looked at its run queue since, and found nothing. */
	gpufas_tell_cpu(rq);
	gpufas_timer_cpu = cpu_of(rq);
	update_rq_clock(rq);
	if (is_queued)
		gpufas_enqueue_again(rq, task);
	else
		gpufas_enqueue_asleep(rq, task);
	/* The clock may lag (sched_clock() in gpufas/scheduler.h), so that it must not be taken for current. */
	rq_clock_cancel_skipupdate(rq);
	rq_unlock(rq, &flags);
	return 0;
}

#endif /* _GPUFAS_RUN_QUEUE_H */
