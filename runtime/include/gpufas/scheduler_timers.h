/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of gpufas/scheduler.h that is for the kernel's high-resolution timers
 * (kernel/time/hrtimer.c), which the scheduler starts for its deadlines.
 *
 * One is started by putting it into the queue of a CPU. What is left out is to set
 * the CPU's clock event for it. The CPU looks at the whole queue whenever its clock
 * event comes, at the next tick if it is awake: until then the timer may be late.
 */
#ifndef _GPUFAS_SCHEDULER_TIMERS_H
#define _GPUFAS_SCHEDULER_TIMERS_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/timekeeper_internal.h>
#include <linux/timerqueue.h>
#include <linux/version.h>

DECLARE_PER_CPU(struct hrtimer_cpu_base, hrtimer_bases);

/* The CPU whose queue takes the timers that are started: that of the run queue which changes. */
static int gpufas_timer_cpu;

/* kernel/time/timekeeping.c: the time of day and how it goes on, behind their sequence count */
extern struct gpufas_timekeeper {
	seqcount_raw_spinlock_t seq;
	struct timekeeper timekeeper;
} gpufas_timekeeper
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
__asm__("*:tk_core");
#else
__asm__("*:timekeeper_data");
#endif

/*
 * ktime_get(), as of the last tick, which is ktime_get_coarse(). In a system that runs on, it is read
 * again while it changes; in a paused one it stays as it is.
 */
ktime_t ktime_get(void)
{
	const struct tk_read_base *clock = &gpufas_timekeeper.timekeeper.tkr_mono;
	const unsigned int *sequence = &gpufas_timekeeper.seq.seqcount.sequence;
	unsigned int before, tries = 0;
	ktime_t time;

	do {
		before = READ_ONCE(*sequence);
		smp_rmb();
		time = ktime_add_ns(READ_ONCE(clock->base), READ_ONCE(clock->xtime_nsec) >> clock->shift);
		smp_rmb();
	} while ((before & 1 || READ_ONCE(*sequence) != before) && ++tries < 1000);
	return time;
}

/* Where a timer belongs that is on its way from one CPU's queue to another's */
extern struct hrtimer_cpu_base gpufas_migration_cpu_base __asm__("*:migration_cpu_base");
#define gpufas_migration_base (gpufas_migration_cpu_base.clock_base[0])

/* Whether a lock is held of the timers of a CPU, or of the CPU that a timer was started on. */
static inline bool gpufas_timers_are_locked(int cpu)
{
	return raw_spin_is_locked(&per_cpu_ptr(&hrtimer_bases, cpu)->lock);
}

static inline bool gpufas_timer_is_locked(struct hrtimer *timer)
{
	return timer->base == &gpufas_migration_base ||
	       raw_spin_is_locked(&timer->base->cpu_base->lock);
}

/* enqueue_hrtimer() and __remove_hrtimer(), which leaves the clock event as it is */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
static inline void gpufas_queue_timer(struct hrtimer *timer, struct hrtimer_clock_base *base)
{
	base->cpu_base->active_bases |= 1 << base->index;
	WRITE_ONCE(timer->state, HRTIMER_STATE_ENQUEUED);
	timerqueue_add(&base->active, &timer->node);
}

static inline void gpufas_remove_timer(struct hrtimer *timer, struct hrtimer_clock_base *base)
{
	WRITE_ONCE(timer->state, HRTIMER_STATE_INACTIVE);
	if (!timerqueue_del(&base->active, &timer->node))
		base->cpu_base->active_bases &= ~(1 << base->index);
}
#else
static inline void gpufas_queue_timer(struct hrtimer *timer, struct hrtimer_clock_base *base)
{
	base->cpu_base->active_bases |= 1 << base->index;
	WRITE_ONCE(timer->is_queued, true);
	if (timerqueue_linked_add(&base->active, &timer->node))
		base->expires_next = hrtimer_get_expires(timer);
}

static inline void gpufas_remove_timer(struct hrtimer *timer, struct hrtimer_clock_base *base)
{
	struct timerqueue_linked_node *first;

	WRITE_ONCE(timer->is_queued, false);
	if (!timerqueue_linked_del(&base->active, &timer->node))
		base->cpu_base->active_bases &= ~(1 << base->index);
	first = timerqueue_linked_first(&base->active);
	base->expires_next = first ? first->expires : KTIME_MAX;
}
#endif

/* lock_hrtimer_base(); with locks that are not taken, the timer stays where it is */
static inline struct hrtimer_clock_base *gpufas_lock_timer(const struct hrtimer *timer)
{
	for (;;) {
		struct hrtimer_clock_base *base = READ_ONCE(timer->base);

		if (base != &gpufas_migration_base) {
			raw_spin_lock(&base->cpu_base->lock);
			if (base == READ_ONCE(timer->base))
				return base;
			raw_spin_unlock(&base->cpu_base->lock);
		}
	}
}

/* The part of switch_hrtimer_base() for a timer whose function does not run: the lock of its queue is given back, that of the other taken. */
static inline struct hrtimer_clock_base *gpufas_move_timer(struct hrtimer *timer,
							   struct hrtimer_clock_base *from)
{
	struct hrtimer_clock_base *to =
		&per_cpu_ptr(&hrtimer_bases, gpufas_timer_cpu)->clock_base[from->index];

	if (to == from)
		return from;

	WRITE_ONCE(timer->base, &gpufas_migration_base);
	raw_spin_unlock(&from->cpu_base->lock);
	raw_spin_lock(&to->cpu_base->lock);
	WRITE_ONCE(timer->base, to);
	return to;
}

/* For an absolute time */
void hrtimer_start_range_ns(struct hrtimer *timer, ktime_t time, u64 slack, const enum hrtimer_mode mode)
{
	struct hrtimer_clock_base *base = gpufas_lock_timer(timer);

	if (hrtimer_is_queued(timer))
		gpufas_remove_timer(timer, base);
	/* One whose function runs stays where it is: switch_hrtimer_base(). */
	if (base->running != timer)
		base = gpufas_move_timer(timer, base);
	hrtimer_set_expires_range_ns(timer, time, slack);
	gpufas_queue_timer(timer, base);
	raw_spin_unlock(&base->cpu_base->lock);
}

/* Whether it is started, or its function runs */
bool hrtimer_active(const struct hrtimer *timer)
{
	return hrtimer_is_queued((struct hrtimer *)timer) || timer->base->running == timer;
}

/* -1 while its function runs */
int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	struct hrtimer_clock_base *base = gpufas_lock_timer(timer);
	int result = 0;

	if (base->running == timer) {
		result = -1;
	} else if (hrtimer_is_queued(timer)) {
		gpufas_remove_timer(timer, base);
		result = 1;
	}
	raw_spin_unlock(&base->cpu_base->lock);
	return result;
}

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

#endif /* _GPUFAS_SCHEDULER_TIMERS_H */
