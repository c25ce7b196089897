/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sends a signal while some threads cannot be woken although it was seen that
 * they can be, as may happen in a system that runs on.
 */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>
#include <gpufas/wake.h>

/* Which of the wakeups of this run fail, the first of them in bit 0, and how many there were. */
static unsigned long failing;
static unsigned int wakeups;

static int wake_or_fail(struct task_struct *task, unsigned int state)
{
	bool fails = failing >> wakeups++ & 1;

	return fails && (gpufas_task_state(task) & state) ? -EAGAIN : gpufas_wake_task(task, state);
}

#define gpufas_wake_task wake_or_fail
#include <gpufas/signal.h>

GPUFAS_ENTRY(kill_half, "send a signal to a process some of whose threads cannot be woken",
	     int, pid, int, signal, unsigned long, fail)
{
	struct task_struct *task = gpufas_find_task(pid);
	int result;

	if (!task)
		return -ESRCH;

	failing = fail;
	result = gpufas_send_signal(signal, task, PIDTYPE_TGID);
	gpufas_log("signal %d %s, %u wakeups\n", signal, gpufas_signal_result_text(result), wakeups);
	return min(result, 0);
}
