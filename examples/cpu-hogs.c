/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes take all processors: stop them, from outside, without ending them,
 * and let them go on later.
 *
 *	gpufas run cpu-hogs.fatbin cpu_hogs --qmp SOCKET -- --busy_percent 80 --run_ms 500 --protect sshd
 *	gpufas run cpu-hogs.fatbin continue_hogs --qmp SOCKET -- --pids 123,456
 *
 * The first says whom it has stopped, in the form that the second takes.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>

/*
 * For ordinary tasks the scheduler keeps how much of the last tenth of a second
 * they wanted to run, whether they got to it or not (kernel/sched/pelt.c):
 * SCHED_CAPACITY_SCALE is all of it. It keeps nothing like it for real-time
 * tasks, which are judged by how long they run before they sleep of their own
 * accord. Both must have run for a while, so that none is stopped for its start.
 */
static bool is_hog(struct task_struct *thread, unsigned int busy_percent, unsigned int run_ms)
{
	u64 run = thread->se.sum_exec_runtime, least = (u64)run_ms * NSEC_PER_MSEC;

	if (!task_is_running(thread) || run < least)
		return false;

	if (rt_task(thread))
		return run / (thread->nvcsw + 1) >= least;

	return thread->se.avg.runnable_avg * 100 / SCHED_CAPACITY_SCALE >= busy_percent;
}

GPUFAS_ENTRY(cpu_hogs, "stop all processes that compute and do nothing else",
	     unsigned int, busy_percent, unsigned int, run_ms, const char *, protect)
{
	struct task_struct *process, *thread;
	unsigned int stopped = 0;
	int error = 0;

	for_each_process(process) {
		int result = 0;

		if (!gpufas_may_be_victim(process, protect))
			continue;

		for_each_thread(process, thread) {
			if (!is_hog(thread, busy_percent, run_ms))
				continue;

			result = gpufas_send_signal(SIGSTOP, process, PIDTYPE_TGID);
			if (result < 0)
				error = result;
			else
				gpufas_log("%s%d", stopped++ ? "," : "--pids ", process->pid);
			break;
		}
	}

	gpufas_log("%s%u processes: signal %d sent\n", stopped ? "\n" : "", stopped, SIGSTOP);
	return error ?: stopped ? 0 : -ESRCH;
}

GPUFAS_ENTRY(continue_hogs, "let stopped processes go on", const char *, pids)
{
	unsigned int continued = 0;
	int error = 0;

	while (*pids) {
		struct task_struct *process;
		pid_t pid = 0;
		int result;

		while (*pids >= '0' && *pids <= '9')
			pid = pid * 10 + (*pids++ - '0');
		if (*pids == ',')
			pids++;
		else if (*pids)
			return -EINVAL;

		process = gpufas_find_task(pid);
		result = process ? gpufas_send_signal(SIGCONT, process, PIDTYPE_TGID) : -ESRCH;
		if (result < 0) {
			gpufas_log("%d: signal %d %s\n", pid, SIGCONT,
				   gpufas_signal_result_text(result));
			error = result;
		} else {
			continued++;
		}
	}

	gpufas_log("%u processes: signal %d sent\n", continued, SIGCONT);
	return error;
}
