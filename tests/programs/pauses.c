/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pause by the in-kernel support: whether all CPUs stand, whether they go on, and what is served meanwhile.
 */
#include <gpufas/gpufas.h>
#include <gpufas/support_pause.h>

#include <linux/jiffies.h>

/* A pause that is to run out between the request of an interrupt and what it is for; 0 if none is. */
static u64 runs_out;

static bool ticks_go_on(u64 milliseconds);

/* Has an interrupt sent, and comes back when the CPU that it is for has taken it. */
static int interrupt_too_early(unsigned int cpu, unsigned int vector)
{
	int error = gpufas_interrupt_by_support(cpu, vector);
	u64 start;

	if (!runs_out || error)
		return error;
	while (gpufas_support_is_paused(gpufas_paused_by, runs_out))
		cpu_relax();
	for (start = gpufas_clock(); gpufas_clock() - start < 20 * NSEC_PER_MSEC;)
		cpu_relax();
	return ticks_go_on(5000) ? 0 : -EIO;
}

#define gpufas_interrupt_by_support interrupt_too_early

#include <gpufas/task.h>
#include <gpufas/wake.h>

/* Of a test that found something to be otherwise. */
#define WRONG(format, ...) ({ gpufas_log("wrong: " format "\n", ##__VA_ARGS__); -EIO; })

/* Whether ticks are counted for some time. */
static bool ticks_go_on(u64 milliseconds)
{
	u64 start = gpufas_clock(), before = READ_ONCE(jiffies_64);

	while (gpufas_clock() - start < milliseconds * NSEC_PER_MSEC)
		if (READ_ONCE(jiffies_64) != before)
			return true;
	return false;
}

/* A pause that CPUs are on time for: they may be late, since they share processors of the host's. */
static int pause(const struct gpufas_support *support, u64 limit_us, u64 *number)
{
	int tries, error = -EAGAIN;

	for (tries = 0; tries < 100 && error == -EAGAIN; tries++)
		error = gpufas_support_pause(support, limit_us, number);
	return error;
}

/*
 * One pause, ended by its number. Says whether it was in force throughout: on a busy machine it may be over
 * before that, and then nothing is known.
 */
static int pause_and_resume(const struct gpufas_support *support, bool *was_paused)
{
	u64 number, other;
	bool go_on;
	int error = pause(support, GPUFAS_SUPPORT_MAX_PAUSE_US, &number), busy, other_end;

	if (error)
		return WRONG("no pause: %d", error);
	go_on = ticks_go_on(20);
	/* Requests are served meanwhile, but for another pause. */
	error = gpufas_support_read(support, (u64)&support->queue->sender.reserved[0], 8, &other);
	busy = gpufas_support_pause(support, 1000, &other);
	other_end = gpufas_support_resume(support, number + 1);
	*was_paused = gpufas_support_is_paused(support, number);
	if (*was_paused && go_on)
		return WRONG("ticks are counted in a pause");
	if (*was_paused && (error || busy != -EBUSY || other_end != -ETIME))
		return WRONG("in a pause, to read: %d, to pause: %d, to end another: %d", error, busy,
			     other_end);
	error = gpufas_support_resume(support, number);
	if (*was_paused && error)
		return WRONG("it was not ended: %d", error);
	if (gpufas_support_is_paused(support, number))
		return WRONG("it is not over");
	if (!ticks_go_on(5000))
		return WRONG("no ticks are counted any more");
	return 0;
}

GPUFAS_ENTRY(pause, "have all CPUs stand until they are told to go on, and until their time is over")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	unsigned int i, paused = 0;
	bool was_paused;
	u64 number;

	if (error)
		return error;

	for (i = 0; i < 100 && paused < 10; i++) {
		error = pause_and_resume(&support, &was_paused);
		if (error)
			return error;
		paused += was_paused;
	}
	if (paused < 10)
		return WRONG("%u pauses of %u lasted until they were ended", paused, i);

	error = pause(&support, 100000, &number);
	if (error)
		return WRONG("no short pause: %d", error);
	if (!ticks_go_on(5000))
		return WRONG("a pause does not end by itself");
	if (gpufas_support_resume(&support, number) != -ETIME)
		return WRONG("a pause was ended that was over");

	if (gpufas_support_pause(&support, 0, &number) != -EINVAL ||
	    gpufas_support_pause(&support, GPUFAS_SUPPORT_MAX_PAUSE_US + 1, &number) != -EINVAL ||
	    gpufas_support_resume(&support, 0) != -EINVAL)
		return WRONG("a pause of no time, or too much, or the end of none");
	return 0;
}

/*
 * One CPU has interrupts off, and does not come however long the others wait, two periods at most. Where a period is
 * longer than that, they wait for no more than half of what was asked for. Then one of some tries ends in time even if
 * others have to wait for a processor of the host's.
 */
GPUFAS_ENTRY(give_up, "be told that not all CPUs stand, in less time than two looks for requests are apart")
{
	struct gpufas_support support;
	int error = gpufas_support_find(&support), tries;
	u64 number, begin;

	if (error)
		return error;

	for (tries = 0; tries < 10; tries++) {
		begin = gpufas_clock();
		error = gpufas_support_pause(&support, 20000, &number);
		if (error != -EAGAIN)
			return WRONG("a pause where a CPU has interrupts off: %d", error);
		if (gpufas_clock() - begin < 2 * support.queue->header.period_us * NSEC_PER_USEC)
			return 0;
	}
	return WRONG("those that came stood for longer than was asked for");
}

GPUFAS_ENTRY(fault, "have all CPUs stand, change a process's name, and end with a fault", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	struct gpufas_support support;
	int error = gpufas_support_find(&support);
	u64 number;

	if (error)
		return error;
	if (!task)
		return -ESRCH;

	error = pause(&support, GPUFAS_SUPPORT_MAX_PAUSE_US, &number);
	if (error)
		return WRONG("no pause: %d", error);
	task->comm[0] = 'F';
	gpufas_support_interrupt(&support, 0, GPUFAS_SUPPORT_RESCHEDULE);
	return *(volatile int *)8;
}

GPUFAS_ENTRY(late, "wake a process in a pause that is over before it is on its CPU's queue", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	struct gpufas_support support;
	int error = gpufas_support_find(&support), way;
	u64 start;

	if (error)
		return error;
	if (!task)
		return -ESRCH;

	error = pause(&support, 20000, &runs_out);
	if (error)
		return WRONG("no pause: %d", error);
	/* So that it ends when it runs: it has a signal pending that nobody has woken it for. */
	way = gpufas_wake_task(task, TASK_INTERRUPTIBLE);
	if (way != GPUFAS_WAKE_QUEUE)
		return WRONG("it was not left to its CPU: %d", way);
	error = gpufas_support_resume(&support, runs_out);
	if (error != -ETIME)
		return WRONG("the pause should have run out: %d", error);

	for (start = gpufas_clock(); gpufas_clock() - start < NSEC_PER_SEC;)
		if (READ_ONCE(gpufas_task_state(task)) != TASK_WAKING)
			return 0;
	return WRONG("nobody has taken it from the queue");
}
