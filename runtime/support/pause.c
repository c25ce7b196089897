// SPDX-License-Identifier: GPL-2.0
/*
 * A pause: for a moment all CPUs stand in hard interrupts of this module's, so that
 * whoever asked for it may change memory with plain stores, as if a hypervisor had
 * paused the system. They took the interrupts, so none of them holds a lock that
 * is taken with interrupts off: the scheduler's, those of timers, and, without
 * PREEMPT_RT, siglock. Others may be held.
 *
 * The CPU that was asked leads: it waits until every CPU stands, and ends the
 * pause when its time is over, which began when it stood itself, the first. They
 * serve requests meanwhile, that to end it among them. When they go on the interrupt
 * ends as any other, in which the kernel looks whether another task is to run.
 */
#include "support.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/timekeeping.h>

/* What else a CPU may do before it takes its interrupt; a virtual one may have to wait for a processor. */
#define GATHERING_NS	(50 * NSEC_PER_MSEC)

/* The number of the pause that CPUs stand for, 0 if there is none, and of the last one. */
static atomic64_t current_pause;
static atomic64_t last_pause;

/* When the current one ends. Only the CPU that leads looks at that. */
static u64 end_ns;

static u64 gathering_ns;

/* The pause for which a CPU stands, or stood last. */
static DEFINE_PER_CPU(u64, standing);

static bool end_pause(u64 number)
{
	/* Whoever sees that it is in force knows that nobody has gone on: it is taken back first. */
	if (atomic64_read(&current_pause) == number)
		gpufas_queue_show_pause(0);
	smp_mb();
	return atomic64_cmpxchg(&current_pause, number, 0) == number;
}

struct gpufas_outcome gpufas_pause(const struct gpufas_support_request *request)
{
	u64 limit_ns = request->value * NSEC_PER_USEC;
	u64 number, begin, deadline;
	int cpu;

	if (request->value == 0 || request->value > GPUFAS_SUPPORT_MAX_PAUSE_US)
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	/* None stands before this. */
	begin = ktime_get_mono_fast_ns();
	number = atomic64_inc_return(&last_pause);
	if (atomic64_cmpxchg(&current_pause, 0, number) != 0)
		return GPUFAS_FAILED(-EBUSY, 0);

	raw_cpu_write(standing, number);
	/* Half of the time at least is for whoever asked. */
	deadline = begin + min(gathering_ns, limit_ns / 2);
	for_each_online_cpu(cpu) {
		while (smp_load_acquire(per_cpu_ptr(&standing, cpu)) != number) {
			if (ktime_get_mono_fast_ns() > deadline) {
				end_pause(number);
				return GPUFAS_FAILED(-EAGAIN, cpu);
			}
			cpu_relax();
		}
	}

	end_ns = begin + limit_ns;
	gpufas_queue_show_pause(number);
	smp_mb();
	/* Somebody may have guessed its number, and ended it before it was in force. */
	if (atomic64_read(&current_pause) != number) {
		gpufas_queue_show_pause(0);
		return GPUFAS_FAILED(-EAGAIN, 0);
	}
	return GPUFAS_DONE(number);
}

struct gpufas_outcome gpufas_resume(const struct gpufas_support_request *request)
{
	if (request->value == 0)
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	return end_pause(request->value) ? GPUFAS_DONE(0) : GPUFAS_FAILED(-ETIME, 0);
}

bool gpufas_pause_is_asked_for(void)
{
	return atomic64_read(&current_pause) != 0;
}

void gpufas_pause_stand(void)
{
	u64 number;

	/* As soon as one is over the next may be asked for, and served here. */
	while ((number = atomic64_read(&current_pause)) != 0) {
		/* It has said that it stands before it came here. */
		bool leads = raw_cpu_read(standing) == number;

		smp_store_release(raw_cpu_ptr(&standing), number);
		while (atomic64_read(&current_pause) == number) {
			gpufas_queue_serve(GPUFAS_SUPPORT_IN_HARD_INTERRUPT);
			if (leads && ktime_get_mono_fast_ns() > end_ns)
				end_pause(number);
			cpu_relax();
		}
	}
}

void gpufas_pause_init(u32 period_us)
{
	/* A CPU comes when it looks for requests the next time. */
	gathering_ns = 2 * (u64)period_us * NSEC_PER_USEC + GATHERING_NS;
}
