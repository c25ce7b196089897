/* SPDX-License-Identifier: GPL-2.0 */
/*
 * List the processes of a system from outside.
 *
 *	gpufas run ps.fatbin --qmp SOCKET
 *
 * This is kernel code: for_each_process() starts at the failing kernel's own
 * init_task and follows the list through its memory. Nothing is written.
 */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>

/* The parent as /proc/PID/stat shows it: do_task_stat() in fs/proc/array.c */
static pid_t parent_pid(struct task_struct *process)
{
	return pid_alive(process) ? rcu_dereference(process->real_parent)->tgid : 0;
}

GPUFAS_ENTRY(ps, "list processes")
{
	struct task_struct *process;
	int count = 0;

	gpufas_log("%7s %7s %s %10s %s\n", "PID", "PPID", "S", "RSS/KiB", "COMMAND");

	for_each_process(process) {
		gpufas_log("%7d %7d %c %10lu %s\n", process->tgid, parent_pid(process),
			   task_state_to_char(process), gpufas_resident_kib(process),
			   process->comm);
		count++;
	}

	gpufas_log("%d processes\n", count);
	return 0;
}
