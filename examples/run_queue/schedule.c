/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put processes that sleep on a run queue, so that they take their pending
 * signals at once (examples/kill.c sends them).
 *
 *	gpufas run schedule.so wake --qmp SOCKET -- --pid 123
 *	gpufas run schedule.so wakeall --qmp SOCKET -- --name stress
 *
 * The kernel's own scheduler does it, compiled along from its sources: see
 * gpufas/run_queue.h.
 */
#include <gpufas/gpufas.h>
#include <gpufas/run_queue.h>
#include <gpufas/task.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>

/*
 * Wake the threads of a process that have a signal to take. -EAGAIN if one of
 * them could not be woken just now: those that were are awake then, so that it
 * does no harm to try all of them again.
 */
static int wake_process(struct task_struct *process)
{
	struct task_struct *thread;
	int error = 0;

	for_each_thread(process, thread) {
		int result;

		if (!task_sigpending(thread) || thread->exit_state)
			continue;

		result = gpufas_enqueue_task(thread);
		gpufas_log("%d (%s): %s\n", thread->pid, thread->comm,
			   gpufas_enqueue_result_text(result));
		if (result < 0)
			error = result;
	}

	return error;
}

GPUFAS_ENTRY(wake, "make the process with a pid take its signals", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task) {
		gpufas_log("no process has pid %d\n", pid);
		return -ESRCH;
	}

	return wake_process(task);
}

GPUFAS_ENTRY(wakeall, "make every process with a name take its signals", const char *, name)
{
	struct task_struct *process;
	int found = 0, error = 0;

	for_each_process(process) {
		int result;

		if (!gpufas_task_has_name(process, name) || gpufas_is_kernel_thread(process))
			continue;

		found++;
		result = wake_process(process);
		if (result < 0)
			error = result;
	}

	gpufas_log("%d processes are called %s\n", found, name);
	return found ? error : -ESRCH;
}
