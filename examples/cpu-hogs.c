/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes take all processors: stop them, from outside, without ending them,
 * and let them go on later.
 *
 *	gpufas run cpu-hogs.fatbin cpu_hogs --qmp SOCKET -- --busy_percent 80 --run_ms 500 --protect sshd
 *	gpufas run cpu-hogs.fatbin continue_hogs --qmp SOCKET -- --pids 123,456
 *
 * The first says whom it has stopped, in the form that the second takes.
 *
 * With the in-kernel support (runtime/support/) the kernel itself can send the
 * signals, while the system runs:
 *
 *	gpufas run cpu-hogs.fatbin cpu_hogs_supported --pause never ...
 *	gpufas run cpu-hogs.fatbin continue_hogs_supported --pause never ...
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/support.h>
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

/* Whether any thread of a process is one. */
static bool has_hog(struct task_struct *process, unsigned int busy_percent, unsigned int run_ms)
{
	struct task_struct *thread;

	for_each_thread(process, thread)
		if (is_hog(thread, busy_percent, run_ms))
			return true;

	return false;
}

/* From outside, or by the in-kernel support if there is one. */
static int send(const struct gpufas_support *support, int sig, struct task_struct *process,
		const struct gpufas_support_identity *who)
{
	return support ? gpufas_support_signal_to(support, who, sig, GPUFAS_SUPPORT_PROCESS) :
			 gpufas_send_signal(sig, process, PIDTYPE_TGID);
}

/*
 * The most processes of one run: they are looked for first, since the list of a running system changes
 * while the support is waited for.
 */
#define MAX_HOGS 4096

static struct {
	struct task_struct *process;
	struct gpufas_support_identity who;
} hogs[MAX_HOGS];

static int stop_hogs(const struct gpufas_support *support, unsigned int busy_percent,
		     unsigned int run_ms, const char *protect)
{
	unsigned int found = 0, chosen = 0, left_out = 0, stopped = 0, i;
	struct task_struct *process;
	int error = 0;

	for_each_process(process) {
		struct gpufas_support_identity who = gpufas_support_identify(process);

		if (!has_hog(process, busy_percent, run_ms))
			continue;

		found++;
		if (!gpufas_may_be_victim(process, protect) || !gpufas_support_is(process, &who))
			continue;

		if (chosen == MAX_HOGS) {
			left_out++;
			continue;
		}
		hogs[chosen].process = process;
		hogs[chosen++].who = who;
	}

	for (i = 0; i < chosen; i++) {
		int result = send(support, SIGSTOP, hogs[i].process, &hogs[i].who);

		if (result < 0)
			error = result;
		else
			gpufas_log("%s%llu", stopped++ ? "," : "--pids ", hogs[i].who.pid);
	}

	gpufas_log("%s%u processes: signal %d sent\n", stopped ? "\n" : "", stopped, SIGSTOP);
	if (error)
		return error;
	if (left_out) {
		gpufas_log("%u others were left out: one run stops %u\n", left_out, MAX_HOGS);
		return -ENOSPC;
	}
	/* Those that an earlier try has stopped run no longer. */
	if (stopped || gpufas_tries())
		return 0;
	return found ? -ESRCH : -ENOENT;
}

static int let_go_on(const struct gpufas_support *support, const char *pids)
{
	unsigned int continued = 0;
	int error = 0;

	while (*pids) {
		struct gpufas_support_identity who;
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
		if (process)
			who = gpufas_support_identify(process);
		result = process ? send(support, SIGCONT, process, &who) : -ESRCH;
		if (result < 0) {
			if (support)
				gpufas_log("%d: signal %d: error %d\n", pid, SIGCONT, result);
			else
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

GPUFAS_ENTRY(cpu_hogs, "stop all processes that compute and do nothing else",
	     unsigned int, busy_percent, unsigned int, run_ms, const char *, protect)
{
	return stop_hogs(NULL, busy_percent, run_ms, protect);
}

GPUFAS_ENTRY(cpu_hogs_supported, "have the kernel stop all processes that compute and do nothing else",
	     unsigned int, busy_percent, unsigned int, run_ms, const char *, protect)
{
	struct gpufas_support support;

	return gpufas_support_find(&support) ?: stop_hogs(&support, busy_percent, run_ms, protect);
}

GPUFAS_ENTRY(continue_hogs, "let stopped processes go on", const char *, pids)
{
	return let_go_on(NULL, pids);
}

GPUFAS_ENTRY(continue_hogs_supported, "have the kernel let stopped processes go on", const char *, pids)
{
	struct gpufas_support support;

	return gpufas_support_find(&support) ?: let_go_on(&support, pids);
}
