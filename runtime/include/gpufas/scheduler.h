/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's scheduler, compiled along with a recovery program, needs of
 * the rest of the kernel: clocks, timers, interrupts. gpufas/run_queue.h is
 * what programs use; it says how they are compiled.
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

#include <linux/cgroup.h>
#include <linux/hrtimer.h>
#include <linux/psi.h>
#include <linux/sched/clock.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/timekeeper_internal.h>
#include <linux/timer.h>
#include <linux/tick.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <trace/events/sched.h>

#include "kernel/sched/sched.h"
#include "kernel/sched/stats.h"

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

#ifdef CONFIG_PARAVIRT_TIME_ACCOUNTING
/* A hypervisor's account of time that it took from a CPU: none since update_rq_clock_task() last asked. */
u64 paravirt_steal_clock(int cpu)
{
	return cpu_rq(cpu)->prev_steal_time_rq;
}
#endif

/* kernel/time/timekeeping.c: the time of day and how it goes on, with its sequence count before it */
extern struct gpufas_timekeeper {
	seqcount_raw_spinlock_t seq;
	struct timekeeper timekeeper;
} gpufas_timekeeper
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
__asm__("*:tk_core");
#else
__asm__("*:timekeeper_data");
#endif

/* ktime_get(), as of the last tick: ktime_get_coarse() */
ktime_t ktime_get(void)
{
	const struct tk_read_base *clock = &gpufas_timekeeper.timekeeper.tkr_mono;

	return ktime_add_ns(clock->base, clock->xtime_nsec >> clock->shift);
}

/*
 * Interrupts. resched_curr() sends one unless it is for the CPU that it runs on.
 * Here none runs on any; whoever called the scheduler looks at TIF_NEED_RESCHED
 * and asks for the interrupt once the locks are released.
 */
static void gpufas_send_no_reschedule(int cpu)
{
}

struct smp_ops smp_ops = {
	.smp_send_reschedule = gpufas_send_no_reschedule,
};

/* A CPU is to look at TIF_NEED_RESCHED of the task that it runs. */
static inline void gpufas_request_reschedule(int cpu)
{
	/* Until then it does so at its next interrupt. */
}

/*
 * High-resolution timers. One is started by putting it into the queue of a CPU;
 * the clock event of that CPU is not set for it. The CPU looks at the whole queue
 * whenever its clock event comes, which is at the next tick if it is awake.
 */

DECLARE_PER_CPU(struct hrtimer_cpu_base, hrtimer_bases);

/* hrtimer_start_range_ns() for an absolute time, on the CPU that the timer was started on last */
void hrtimer_start_range_ns(struct hrtimer *timer, ktime_t time, u64 slack, const enum hrtimer_mode mode)
{
	struct hrtimer_clock_base *base = timer->base;

	if (hrtimer_is_queued(timer))
		timerqueue_del(&base->active, &timer->node);
	hrtimer_set_expires_range_ns(timer, time, slack);
	base->cpu_base->active_bases |= 1 << base->index;
	WRITE_ONCE(timer->state, HRTIMER_STATE_ENQUEUED);
	timerqueue_add(&base->active, &timer->node);
}

/* hrtimer_try_to_cancel() */
int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	struct hrtimer_clock_base *base = timer->base;

	if (!hrtimer_is_queued(timer))
		return 0;
	if (!timerqueue_del(&base->active, &timer->node))
		base->cpu_base->active_bases &= ~(1 << base->index);
	WRITE_ONCE(timer->state, HRTIMER_STATE_INACTIVE);
	return 1;
}

/* hrtimer_forward() */
u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval)
{
	ktime_t late = ktime_sub(now, hrtimer_get_expires(timer));
	u64 overruns;

	if (late < 0)
		return 0;
	overruns = div64_u64(late, interval) + 1;
	hrtimer_add_expires_ns(timer, overruns * interval);
	return overruns;
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

/* Whether a group of the task's has a limit of CPU time, for which timers of the kernel's would have to be started. */
static inline bool gpufas_has_bandwidth(struct rq *rq, struct task_struct *task)
{
#ifdef CONFIG_RT_GROUP_SCHED
	if (rt_task(task))
		return true;
#endif
#ifdef CONFIG_CFS_BANDWIDTH
	struct task_group *group;

	for (group = task_group(task); !rt_task(task) && group->parent; group = group->parent)
		if (group->cfs_bandwidth.quota != RUNTIME_INF || group->cfs_rq[cpu_of(rq)]->runtime_enabled)
			return true;
#endif
	return false;
}

/* Whether a lock is held that the scheduler takes on the way. */
static inline bool gpufas_is_locked(struct rq *rq, struct task_struct *task)
{
	if (raw_spin_is_locked(rq_lockp(rq)) ||
	    raw_spin_is_locked(&per_cpu(hrtimer_bases, cpu_of(rq)).lock))
		return true;
	if (!rt_task(task))
		return raw_spin_is_locked(&task->se.cfs_rq->removed.lock);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return raw_spin_is_locked(&def_rt_bandwidth.rt_runtime_lock) ||
	       raw_spin_is_locked(&rq->rt.rt_runtime_lock) ||
	       raw_spin_is_locked(&def_rt_bandwidth.rt_period_timer.base->cpu_base->lock);
#endif
	return false;
}

#endif /* _GPUFAS_SCHEDULER_H */
