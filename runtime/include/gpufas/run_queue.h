/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pseudo scheduling through the run queue: a task that sleeps is put on a run
 * queue from outside, by the kernel's own scheduler.
 *
 * A program that includes this is compiled together with the scheduler's
 * sources (function names in comments are from there):
 *
 *	gpufas-cc schedule.c --kernel RELEASE --kernel-source DIR \
 *		DIR/kernel/sched/core.c DIR/kernel/sched/fair.c ... DIR/lib/rbtree.c
 *
 * docs/scheduling.md lists the files for each release. It is then these that
 * know what CFS or EEVDF, group scheduling and the accounting of load and
 * pressure want done; here is only what try_to_wake_up() and
 * ttwu_do_activate() do around them, since those also wait for other CPUs and
 * send them interrupts.
 *
 * All this is for a paused guest, or for --locks take. Whatever could make it
 * fail is looked at before the first store: locks of the kernel's that are held
 * are -EAGAIN, what cannot be done from outside is -EOPNOTSUPP. Should the
 * kernel's code reach something that a program cannot do all the same, all that
 * was written is taken back (gpufas_all_or_nothing()).
 */
#ifndef _GPUFAS_RUN_QUEUE_H
#define _GPUFAS_RUN_QUEUE_H

#include <gpufas/gpufas.h>
#include <gpufas/interrupt.h>
#include <gpufas/scheduler.h>
#include <gpufas/signal_rules.h>
#include <gpufas/task.h>

#include <linux/version.h>

/* What became of a task that was to be put on a run queue. */
enum gpufas_enqueue_result {
	/* It runs, stands on a run queue, or has been woken and is on its way there. */
	GPUFAS_ENQUEUE_AWAKE,
	/* It stands on a run queue now. */
	GPUFAS_ENQUEUED,
};

/* A result, or an error, of gpufas_enqueue_task() in words */
static inline const char *gpufas_enqueue_result_text(int result)
{
	switch (result) {
	case GPUFAS_ENQUEUE_AWAKE:
		return "awake";
	case GPUFAS_ENQUEUED:
		return "put on a run queue";
	case -EAGAIN:
		return "left asleep, the kernel is at work on the task or its run queue";
	case -EBUSY:
		return "left asleep, its sleep ends with no signal";
	case -ESRCH:
		return "dead";
	case -EOPNOTSUPP:
		return "left asleep, its run queue cannot be changed from outside";
	default:
		return "left asleep";
	}
}

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

/*
 * The CPU for a task: its last one, else the first that is able to run it, else
 * any that it may use; nr_cpu_ids if there is none. select_task_rq() also looks
 * for idle ones, which the kernel's balancing does later.
 */
static inline int gpufas_select_cpu(struct task_struct *task)
{
	int cpu = task_cpu(task);

	if (gpufas_cpu_is_able(task, cpu))
		return cpu;
	for_each_cpu_and(cpu, task->cpus_ptr, cpu_active_mask)
		if (gpufas_cpu_is_able(task, cpu))
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
		gpufas_interrupt_cpu(cpu_of(rq), RESCHEDULE_VECTOR, NULL, 0);
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
 * ttwu_runnable(): the task has not left its run queue. Either it was preempted
 * on its way to sleep, or it is to stay until its lag is gone (EEVDF's delayed
 * dequeue).
 */
static inline int gpufas_enqueue_again(struct task_struct *task)
{
	struct rq *rq = task_rq(task);
	const char *obstacle = gpufas_enqueue_obstacle(rq, task);
	struct rq_flags rf;

	if (obstacle) {
		gpufas_log("%d (%s): %s\n", task->pid, task->comm, obstacle);
		return -EOPNOTSUPP;
	}
	if (gpufas_is_locked(rq, task) || gpufas_is_proxied(task))
		return -EAGAIN;

	gpufas_tell_cpu(rq);
	gpufas_timer_cpu = cpu_of(rq);
	raw_spin_lock(&task->pi_lock);
	rq_lock(rq, &rf);
	update_rq_clock(rq);
	gpufas_requeue_delayed(rq, task);
	if (!task->on_cpu)
		gpufas_wakeup_preempt(rq, task);
	gpufas_set_running(task);
	rq_clock_cancel_skipupdate(rq);
	rq_unlock(rq, &rf);
	raw_spin_unlock(&task->pi_lock);
	return GPUFAS_ENQUEUED;
}

/*
 * gpufas_enqueue_task_state - put a task on a run queue if it sleeps in one of these states
 * @task:	the task
 * @state:	TASK_* bits, as for wake_up_state()
 *
 * What wake_up_state() does, for a task of which nothing else is known; the
 * caller has done what signal_wake_up() and prepare_signal() do besides.
 *
 * Returns an enum gpufas_enqueue_result; or, with nothing written:
 * -ESRCH	the task is dead
 * -EBUSY	it sleeps in another state, as for a disk
 * -EAGAIN	a lock is held or the task is about to sleep: let the system run on and try again
 * -EOPNOTSUPP	a kernel function would have to be called; the log says for what
 */
static inline int gpufas_enqueue_task_state(struct task_struct *task, unsigned int state)
{
	unsigned int sleeps = READ_ONCE(gpufas_task_state(task));
	const char *obstacle;
	struct rq_flags rf;
	struct rq *rq;
	int cpu;

	gpufas_all_or_nothing();
	if (task->exit_state || (sleeps & TASK_DEAD))
		return -ESRCH;
	if (sleeps == TASK_RUNNING || sleeps == TASK_WAKING)
		return GPUFAS_ENQUEUE_AWAKE;
	if (raw_spin_is_locked(&task->pi_lock))
		return -EAGAIN;
#ifdef TASK_RTLOCK_WAIT
	/* PREEMPT_RT: it waits for a lock, and will then find out itself (saved_state). */
	if (sleeps & TASK_RTLOCK_WAIT)
		return -EAGAIN;
#endif
	if (!(sleeps & state))
		return -EBUSY;
	if (task_on_rq_queued(task))
		return gpufas_enqueue_again(task);

	/* Between two run queues, or its CPU has not left it yet. */
	if (task->on_rq || task->on_cpu)
		return -EAGAIN;

	cpu = gpufas_select_cpu(task);
	obstacle = cpu < nr_cpu_ids ? NULL : "no CPU that it may use is active";
	if (!obstacle)
		obstacle = gpufas_enqueue_obstacle(cpu_rq(cpu), task);
	if (obstacle) {
		gpufas_log("%d (%s): %s\n", task->pid, task->comm, obstacle);
		return -EOPNOTSUPP;
	}
	rq = cpu_rq(cpu);
	if (gpufas_is_locked(task_rq(task), task) || gpufas_is_locked(rq, task))
		return -EAGAIN;
	gpufas_tell_cpu(rq);
	gpufas_timer_cpu = cpu;

	raw_spin_lock(&task->pi_lock);
	if (task_cpu(task) != cpu) {
		WRITE_ONCE(gpufas_task_state(task), TASK_WAKING);
		if (task->in_iowait)
			atomic_dec(&task_rq(task)->nr_iowait);
		psi_ttwu_dequeue(task);
		set_task_cpu(task, cpu);
		rq_lock(rq, &rf);
		update_rq_clock(rq);
		gpufas_activate(rq, task, true);
	} else {
		rq_lock(rq, &rf);
		update_rq_clock(rq);
		gpufas_activate(rq, task, false);
	}
	/* The clock may lag (sched_clock() in gpufas/scheduler.h), so that it must not be taken for current. */
	rq_clock_cancel_skipupdate(rq);
	rq_unlock(rq, &rf);
	raw_spin_unlock(&task->pi_lock);
	return GPUFAS_ENQUEUED;
}

/*
 * gpufas_enqueue_task - put a task on a run queue, if the signals that it has pending end its sleep
 *
 * As signal_wake_up() does for a signal: any signal ends an interruptible
 * sleep, SIGKILL also a killable one, a stop, and a stop by a debugger. The
 * signal is sent beforehand (gpufas/signal.h).
 *
 * Returns what gpufas_enqueue_task_state() returns.
 */
static inline int gpufas_enqueue_task(struct task_struct *task)
{
	unsigned int states = gpufas_signal_wake_states(task, __fatal_signal_pending(task));
	int result = gpufas_enqueue_task_state(task, states);

	if (result == GPUFAS_ENQUEUED)
		gpufas_clear_stopped(task, states);
	return result;
}

#endif /* _GPUFAS_RUN_QUEUE_H */
