/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kill the process with the most resident memory, from outside: what the OOM
 * killer does, for a system that no longer gets that far.
 *
 *	gpufas run kill-hog.fatbin --qmp SOCKET -- --threshold_mib 512 --protect sshd
 *
 * Who has told the OOM killer to spare it (an oom_score_adj of -1000) is spared
 * here too; other values do not count.
 *
 * If no process has at least the threshold, none is killed, so that the program
 * can be run on suspicion.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

/*
 * for_each_process() visits the first thread of each process only, and threads
 * share their memory, so that nothing is counted twice.
 *
 * A process that was killed already, but still holds its memory, is found again.
 * The OOM killer too waits for its victim before it chooses another:
 * oom_evaluate_task() in mm/oom_kill.c.
 */
static struct task_struct *find_largest(const char *protect, unsigned long *largest_kib)
{
	struct task_struct *process, *largest = NULL;

	*largest_kib = 0;
	for_each_process(process) {
		unsigned long kib;

		if (!gpufas_may_be_victim(process, protect) ||
		    process->signal->oom_score_adj == OOM_SCORE_ADJ_MIN)
			continue;

		kib = gpufas_resident_kib(process);
		if (kib > *largest_kib) {
			largest = process;
			*largest_kib = kib;
		}
	}

	return largest;
}

GPUFAS_ENTRY(kill_hog, "kill the process with the most memory, if it has at least this many MiB",
	     unsigned long, threshold_mib, const char *, protect)
{
	unsigned long kib;
	struct task_struct *hog = find_largest(protect, &kib);
	int result;

	if (!hog || kib / 1024 < threshold_mib) {
		gpufas_log("no process has %lu MiB; the largest has %lu KiB\n", threshold_mib, kib);
		return -ESRCH;
	}

	result = gpufas_send_signal(SIGKILL, hog, PIDTYPE_TGID);
	gpufas_log("%d (%s) has %lu KiB: signal %d %s\n", hog->pid, hog->comm, kib, SIGKILL,
		   gpufas_signal_result_text(result));
	return min(result, 0);
}
