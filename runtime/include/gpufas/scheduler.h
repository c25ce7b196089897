/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's scheduler, compiled along with a recovery program, needs of
 * the rest of the kernel: clocks, timers, interrupts. gpufas/wake.h is what
 * programs use; gpufas/run_queue.h says how they are compiled.
 *
 * None of it can be called from outside. The functions here have the kernel's
 * names, so that the scheduler's sources are linked with them. What they cannot
 * do is asked for beforehand (gpufas_*()), while nothing is written yet.
 *
 * It defines functions and variables: one source of a program includes it.
 */
#ifndef _GPUFAS_SCHEDULER_H
#define _GPUFAS_SCHEDULER_H

#include <gpufas/gpufas.h>
#include <gpufas/scheduler_timers.h>
#include <gpufas/task.h>

#include <linux/cgroup.h>
#include <linux/psi.h>
#include <linux/sched/clock.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
#include <linux/tick.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <trace/events/sched.h>

#include "kernel/sched/sched.h"
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)	/* sched.h of older ones includes it */
#include "kernel/sched/stats.h"
#endif

/*
 * Clocks. There is none to ask: the counters belong to the CPUs. But while the
 * guest is paused time stands still, and the latest that the scheduler has seen
 * on any CPU is no older than the last tick or switch of the busiest. If all
 * CPUs have been idle it is older, and the task seems to have waited since.
 */

/* The later of two times of a clock that may wrap */
static inline u64 gpufas_later(u64 a, u64 b)
{
	return (s64)(a - b) < 0 ? b : a;
}

/*
 * sched_clock(), with which sched_clock_cpu() is the latest of all times that
 * the scheduler and its accounting of pressure have noted: neither must see a
 * clock that goes back.
 */
unsigned long long notrace sched_clock(void)
{
	u64 latest = cpu_rq(cpumask_first(cpu_online_mask))->clock;
	int cpu;

	for_each_online_cpu(cpu) {
		latest = gpufas_later(latest, cpu_rq(cpu)->clock);
#ifdef CONFIG_PSI
		latest = gpufas_later(latest, per_cpu_ptr(psi_system.pcpu, cpu)->state_start);
#endif
	}
	return latest - __sched_clock_offset;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
unsigned long long notrace sched_clock_noinstr(void)
{
	return sched_clock();
}
#endif

#ifdef CONFIG_PARAVIRT_TIME_ACCOUNTING
/* A hypervisor's account of time that it took from a CPU: none since update_rq_clock_task() last asked. */
u64 paravirt_steal_clock(int cpu)
{
	return cpu_rq(cpu)->prev_steal_time_rq;
}
#endif

/*
 * Interrupts. resched_curr() sends one unless it is for the CPU that it runs on,
 * which a program does not. gpufas/run_queue.h has asked for one by then.
 */
static void gpufas_send_no_interrupt(int cpu)
{
}

struct smp_ops smp_ops = {
	.smp_send_reschedule = gpufas_send_no_interrupt,
};

/*
 * A function that another CPU is to call, asynchronously. The scheduler starts
 * the timer so that ends a task's slice in time (hrtick_start()); without it the
 * next tick does that.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
int smp_call_function_single_async(int cpu, call_single_data_t *call)
#else
int smp_call_function_single_async(int cpu, struct __call_single_data *call)
#endif
{
	return 0;
}

/*
 * Work and timers that the accounting of pressure (kernel/sched/psi.c) starts.
 */

/* psi_avgs_work() of a group that was idle: the next task of the group to be woken starts it. */
bool queue_delayed_work_on(int cpu, struct workqueue_struct *queue, struct delayed_work *work,
			   unsigned long delay)
{
	return false;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
/* What a kernel worker did last: it is looked at for tasks that fall asleep. */
work_func_t wq_worker_last_func(struct task_struct *worker)
{
	return NULL;
}
#endif

/* Only for who monitors pressure, of which there is nobody: gpufas_has_pressure_trigger(). */
int mod_timer(struct timer_list *timer, unsigned long expires)
{
	BUG();
}

/* Whether somebody monitors the pressure on one of a task's groups: psi_schedule_rtpoll_work() */
static inline bool gpufas_has_pressure_trigger(struct task_struct *task)
{
#ifdef CONFIG_PSI
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#define rtpoll_states poll_states
#endif
	struct cgroup *cgroup;

	if (static_branch_likely(&psi_disabled))
		return false;
	if (psi_system.rtpoll_states)
		return true;
	for (cgroup = task_dfl_cgroup(task); cgroup_parent(cgroup); cgroup = cgroup_parent(cgroup))
		if (cgroup_psi(cgroup)->rtpoll_states)
			return true;
#endif
	return false;
}

/*
 * The time that a control group's tasks have had (kernel/cgroup/rstat.c). As in the kernel it counts as
 * spent on the CPU that does the accounting, which is the one as which the program runs.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)	/* then the lists need no lock */
DECLARE_PER_CPU(raw_spinlock_t, gpufas_rstat_lock) __asm__("*:cgroup_rstat_cpu_lock");
#endif

/* Whether the lock is held with which a group is put on the list of those that have accounts to be summed up. */
static inline bool gpufas_accounts_are_locked(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	return raw_spin_is_locked(this_cpu_ptr(&gpufas_rstat_lock));
#else
	return false;
#endif
}

/*
 * Whether the time that a task has had is added to a list that the CPU which does
 * the accounting changes without a lock (css_rstat_updated() from 6.16 on): none of
 * a running system's is this program. Before, what both add at once to a group's
 * sum is counted once.
 */
static inline bool gpufas_account_needs_pause(struct task_struct *task)
{
#if defined(GPUFAS_LOCKS_TAKE) && LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return cgroup_parent(task_dfl_cgroup(task)) != NULL;
#else
	return false;
#endif
}

/*
 * Tracepoints: what is attached to them is the running kernel's.
 */
static inline bool gpufas_scheduler_is_traced(void)
{
	return trace_pelt_cfs_tp_enabled() || trace_pelt_rt_tp_enabled() ||
	       trace_pelt_se_tp_enabled() || trace_sched_util_est_cfs_tp_enabled() ||
	       trace_sched_util_est_se_tp_enabled() || trace_sched_update_nr_running_tp_enabled() ||
	       trace_sched_overutilized_tp_enabled() || trace_sched_migrate_task_enabled() ||
	       trace_sched_wake_idle_without_ipi_enabled() || trace_sched_stat_wait_enabled() ||
	       trace_sched_stat_sleep_enabled() || trace_sched_stat_blocked_enabled() ||
	       trace_sched_stat_iowait_enabled() || trace_sched_stat_runtime_enabled();
}

/*
 * What differs between releases
 */

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
/* Only then core scheduling comes, with which CPUs share a lock. */
#define rq_lockp(rq)		(&(rq)->lock)
#define sched_core_enabled(rq)	false
#endif

#ifndef WF_TTWU		/* before 5.11 a wakeup that has no other flag has none */
#define WF_TTWU 0
#endif

/* check_preempt_curr(), from 6.6 on wakeup_preempt() */
static inline void gpufas_wakeup_preempt(struct rq *rq, struct task_struct *task)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	check_preempt_curr(rq, task, WF_TTWU);
#else
	wakeup_preempt(rq, task, WF_TTWU);
#endif
}

/* From 6.12 on a task may stay on its run queue when it falls asleep, until its lag is gone. */
static inline void gpufas_requeue_delayed(struct rq *rq, struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (task->se.sched_delayed)
		enqueue_task(rq, task, ENQUEUE_NOCLOCK | ENQUEUE_DELAYED);
#endif
}

/*
 * Whether a task still stands on a run queue because it lends its turns to who
 * has the mutex that it waits for (proxy execution, from 7.1 on).
 */
static inline bool gpufas_is_proxied(struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	return task->is_blocked && !task->se.sched_delayed;
#else
	return false;
#endif
}

/* The end of ttwu_do_wakeup() */
static inline void gpufas_set_running(struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	task->is_blocked = 0;
#endif
	WRITE_ONCE(gpufas_task_state(task), TASK_RUNNING);
}

/* Whether a group of the task's has a limit of CPU time, for which timers of the kernel's would have to be started. */
static inline bool gpufas_has_bandwidth(struct task_struct *task)
{
#ifdef CONFIG_RT_GROUP_SCHED
	if (rt_task(task))
		return true;
#endif
#ifdef CONFIG_CFS_BANDWIDTH
	struct task_group *group;

	for (group = task_group(task); !rt_task(task) && group->parent; group = group->parent)
		if (group->cfs_bandwidth.quota != RUNTIME_INF)
			return true;
#endif
	return false;
}

/* Whether a lock is held that the scheduler takes on the way. */
static inline bool gpufas_is_locked(struct rq *rq, struct task_struct *task)
{
	if (raw_spin_is_locked(rq_lockp(rq)) || gpufas_timers_are_locked(cpu_of(rq)) ||
	    gpufas_accounts_are_locked())
		return true;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	/* The server that keeps real-time tasks from starving the others starts with the first of these. */
	if (gpufas_timer_is_locked(&rq->fair_server.dl_timer))
		return true;
#endif
	if (!rt_task(task))
		return raw_spin_is_locked(&task->se.cfs_rq->removed.lock);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	/* The limit of all real-time tasks, whose timer starts with the first of them. */
	return raw_spin_is_locked(&def_rt_bandwidth.rt_runtime_lock) ||
	       raw_spin_is_locked(&rq->rt.rt_runtime_lock) ||
	       gpufas_timer_is_locked(&def_rt_bandwidth.rt_period_timer);
#else
	return false;
#endif
}

#endif /* _GPUFAS_SCHEDULER_H */
