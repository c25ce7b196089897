/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pausing a system that runs, through its in-kernel recovery support: all its
 * CPUs stand in interrupts until they are told to go on, or a time is over. A
 * program changes memory meanwhile as in a guest that QEMU has paused, from a GPU
 * too, which can take no lock: all locks of the scheduler are free then.
 *
 *	u64 number;
 *	int error = gpufas_support_pause(&support, 100000, &number);
 *
 *	if (error)
 *		return error;
 *	result = gpufas_send_signal(SIGKILL, task, PIDTYPE_TGID);
 *	error = gpufas_support_resume(&support, number);
 *
 * What was found before may be gone: look for it in the pause. Interrupts of
 * gpufas/interrupt.h are sent by the support while the pause lasts, and
 * reach the CPUs when they go on. If the pause is over before all is written, they
 * may have come before what they were sent for: gpufas_support_resume() has them
 * sent again.
 *
 * This comes before whatever includes gpufas/interrupt.h. The program runs with
 * gpufas run --pause never.
 */
#ifndef _GPUFAS_SUPPORT_PAUSE_H
#define _GPUFAS_SUPPORT_PAUSE_H

#ifdef _GPUFAS_INTERRUPT_H
#error "gpufas/support_pause.h comes before gpufas/interrupt.h, gpufas/wake.h and gpufas/signal.h"
#endif

#include <gpufas/support.h>

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/irq_vectors.h>

/*
 * The runtime's: all CPUs stand for as long as the word is value; they were told
 * to go on. If the program ends while they stand, what it wrote meanwhile is
 * taken back.
 */
void gpufas_pause_begun(const volatile u64 *word, u64 value);
void gpufas_pause_ended(const volatile u64 *word, u64 value);

/* The support that has paused the system for this program, NULL if none has. */
static const struct gpufas_support *gpufas_paused_by;

/* The CPUs that were asked to be sent interrupts in the pause, by the kind of interrupt. */
static struct cpumask gpufas_pause_interrupts[GPUFAS_SUPPORT_CALL_FUNCTION + 1];

/*
 * gpufas_support_pause - have all CPUs stand
 * @limit_us:	when they go on whatever happens, counted from when the first of them
 *		stands; GPUFAS_SUPPORT_MAX_PAUSE_US at most. Up to half of it goes by
 *		before all stand. A program that writes later writes to a system that runs.
 * @number:	of the pause, for gpufas_support_resume()
 *
 * Return: 0; -EAGAIN if a CPU took no interrupt in time, and all run on; -EBUSY
 * if there is a pause already; -EOPNOTSUPP if the module knows of no pauses; or
 * an error of gpufas_support_ask().
 */
static inline int gpufas_support_pause(const struct gpufas_support *support, u64 limit_us,
				       u64 *number)
{
	int error = gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_PAUSE, .value = limit_us), number);

	if (error)
		return error;
	gpufas_paused_by = support;
	gpufas_pause_begun(&support->queue->counters.pause, *number);
	return 0;
}

/* gpufas_support_is_paused - whether nobody has gone on since a pause began */
static inline bool gpufas_support_is_paused(const struct gpufas_support *support, u64 number)
{
	return READ_ONCE(support->queue->counters.pause) == number;
}

/*
 * Have the interrupts of a pause sent, all of them again: a CPU that went on by itself
 * may have taken its interrupt before what it was sent for was written. On the queue of
 * gpufas/wake_queue.h the entry would lie without one, and keep the kernel from sending any.
 */
static noinline __maybe_unused int
gpufas_support_interrupt_again(const struct gpufas_support *support)
{
	unsigned int which, cpu;
	int error = 0;

	for (which = 0; which < ARRAY_SIZE(gpufas_pause_interrupts); which++)
		for_each_cpu(cpu, &gpufas_pause_interrupts[which])
			error = gpufas_support_interrupt(support, cpu, which) ?: error;
	return error;
}

/*
 * gpufas_support_resume - have all CPUs go on
 *
 * Return: 0; -ETIME if they had gone on by themselves before, so that what the
 * program did may have met what they did, and the interrupts that it asked for
 * were sent again; or an error of gpufas_support_ask(), after which the CPUs go on
 * when the time is over, and if they had before, interrupts may be missing.
 */
static inline int gpufas_support_resume(const struct gpufas_support *support, u64 number)
{
	int error, missing = 0;
	bool is_paused;

	/* All that was written is there before this is read. */
	smp_mb();
	is_paused = gpufas_support_is_paused(support, number);
	gpufas_paused_by = NULL;
	error = gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_RESUME, .value = number), NULL);
	gpufas_pause_ended(&support->queue->counters.pause, number);
	if (!is_paused)
		missing = gpufas_support_interrupt_again(support);
	memset(gpufas_pause_interrupts, 0, sizeof(gpufas_pause_interrupts));
	if (missing)
		return missing;
	if (!error || error == -ETIME)
		return is_paused ? 0 : -ETIME;
	return error;
}

/* For gpufas/interrupt.h */
#define gpufas_interrupts_by_support()	(gpufas_paused_by != NULL)

static inline int gpufas_interrupt_by_support(unsigned int cpu, unsigned int vector)
{
	enum gpufas_support_interrupt which;

	switch (vector) {
	case RESCHEDULE_VECTOR:
		which = GPUFAS_SUPPORT_RESCHEDULE;
		break;
	case CALL_FUNCTION_SINGLE_VECTOR:
		which = GPUFAS_SUPPORT_CALL_FUNCTION;
		break;
	default:
		return -EOPNOTSUPP;
	}
	cpumask_set_cpu(cpu, &gpufas_pause_interrupts[which]);
	return gpufas_support_interrupt(gpufas_paused_by, cpu, which);
}

#endif /* _GPUFAS_SUPPORT_PAUSE_H */
