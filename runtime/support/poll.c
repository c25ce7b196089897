// SPDX-License-Identifier: GPL-2.0
/*
 * Looking for requests: a timer on each CPU, in hard interrupt context also with
 * PREEMPT_RT. What it must not do itself there it hands on to a real-time thread. To
 * softirqs nothing is left: as soon as there is much for them they run in a thread of
 * the CPU's (ksoftirqd), which waits for its turn among all others, a thousand of which
 * may be what is to be ended.
 *
 * No interrupt of our own could be sent from outside: allocating a vector takes
 * irq_domain_alloc_irqs(), which no kernel before 6.13 exports to modules, and the
 * handlers of the vectors that there are offer nothing to register with. What can
 * be sent is an NMI: see nmi.c.
 */
#include "support.h"

#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

static DEFINE_PER_CPU(struct hrtimer, timers);
static ktime_t period;
static struct task_struct *thread;	/* with PREEMPT_RT */
static enum cpuhp_state hotplug_state;

static enum hrtimer_restart look(struct hrtimer *timer)
{
	bool heavy = gpufas_queue_serve(GPUFAS_SUPPORT_IN_HARD_INTERRUPT);

	gpufas_nmi_look();
	gpufas_pause_stand();
	/* Not before: whoever has asked for the pause may be changing the run queues. */
	if (heavy && thread)
		wake_up_process(thread);
	hrtimer_forward_now(timer, period);
	return HRTIMER_RESTART;
}

static int serve_in_thread(void *unused)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!gpufas_queue_serve(GPUFAS_SUPPORT_IN_THREAD) && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static int cpu_comes(unsigned int cpu)
{
	struct hrtimer *timer = this_cpu_ptr(&timers);

	hrtimer_setup(timer, look, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(timer, period, HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	hrtimer_cancel(this_cpu_ptr(&timers));
	return 0;
}

int gpufas_poll_init(u32 period_us)
{
	int state;

	period = ns_to_ktime((u64)period_us * NSEC_PER_USEC);
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		thread = kthread_create(serve_in_thread, NULL, "gpufas_support");
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		sched_set_fifo(thread);
		wake_up_process(thread);
	}

	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "gpufas/support:online", cpu_comes, cpu_goes);
	if (state < 0) {
		if (thread)
			kthread_stop(thread);
		return state;
	}
	hotplug_state = state;
	return 0;
}

void gpufas_poll_exit(void)
{
	cpuhp_remove_state(hotplug_state);
	if (thread)
		kthread_stop(thread);
}
