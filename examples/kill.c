/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Send a signal to processes of a system from outside, by pid or by name.
 *
 *	gpufas run kill.fatbin kill --qmp SOCKET -- --pid 123 --signal KILL
 *	gpufas run kill.fatbin killall --qmp SOCKET -- --name stress --signal TERM
 *
 *	gpufas run kill.fatbin tkill --qmp SOCKET -- --tid 124 --signal TERM
 *	gpufas run kill.fatbin wake --qmp SOCKET -- --pid 123
 *	gpufas run kill.fatbin wakeall --qmp SOCKET -- --name stress
 *
 * The kernel of that system need not answer any more: the signal is written
 * where kill(2) would have put it, and who sleeps is woken: through its CPU's
 * queue for that, or compiled with --schedule run-queue by the kernel's own
 * scheduler (gpufas/wake.h). See gpufas/signal.h for what that can do and what it
 * cannot.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/signal_names.h>
#include <gpufas/task.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>

/* Send a signal to a task's process, or to the task alone, and say what became of it. */
static int send_and_log(int sig, struct task_struct *task, enum pid_type type)
{
	int result = gpufas_send_signal(sig, task, type);

	gpufas_log("%d (%s): signal %d %s\n", task->pid, task->comm, sig,
		   gpufas_signal_result_text(result));
	return result;
}

static int send_to_pid(pid_t pid, const char *signal, enum pid_type type)
{
	struct task_struct *task = gpufas_find_task(pid);
	int sig = gpufas_parse_signal(signal);
	int result;

	if (sig < 0) {
		gpufas_log("no signal is called %s\n", signal);
		return sig;
	}

	if (!task) {
		gpufas_log("no process has pid %d\n", pid);
		return -ESRCH;
	}

	result = send_and_log(sig, task, type);
	return min(result, 0);
}

GPUFAS_ENTRY(kill, "send a signal to the process with a pid",
	     int, pid, const char *, signal)
{
	return send_to_pid(pid, signal, PIDTYPE_TGID);
}

GPUFAS_ENTRY(tkill, "send a signal to one thread",
	     int, tid, const char *, signal)
{
	return send_to_pid(tid, signal, PIDTYPE_PID);
}

GPUFAS_ENTRY(killall, "send a signal to every process with a name",
	     const char *, name, const char *, signal)
{
	int sig = gpufas_parse_signal(signal);
	int found = 0, delivered = 0, error = 0;
	struct task_struct *process;

	if (sig < 0) {
		gpufas_log("no signal is called %s\n", signal);
		return sig;
	}

	for_each_process(process) {
		int result;

		if (!gpufas_task_has_name(process, name) || gpufas_is_kernel_thread(process))
			continue;

		found++;
		result = send_and_log(sig, process, PIDTYPE_TGID);
		if (result == GPUFAS_SIGNAL_DELIVERED)
			delivered++;
		else if (result < 0)
			error = result;
	}

	gpufas_log("%d processes are called %s, signal %d was delivered to %d\n", found, name, sig,
		   delivered);

	/*
	 * After -EAGAIN all are tried again. One that has taken its signal by then
	 * gets another, which is better than to let one lock protect them all. And
	 * it may be gone.
	 */
	return found || gpufas_tries() ? error : -ESRCH;
}

/*
 * Wake the threads of a process that sleep and have signals to take. Sets @pending to whether any
 * has. After -EAGAIN all can be tried again: those that were woken are awake then.
 */
static int wake_process(struct task_struct *process, bool *pending)
{
	struct task_struct *thread;
	int error = 0;

	for_each_thread(process, thread) {
		int result;

		if (!task_sigpending(thread) || thread->exit_state)
			continue;

		*pending = true;
		result = gpufas_wake_for_signals(thread);
		gpufas_log("%d (%s): %s\n", thread->pid, thread->comm, gpufas_wake_text(result));
		if (result < 0)
			error = result;
	}

	return error;
}

GPUFAS_ENTRY(wake, "wake a process that sleeps, so that it takes the signals that are pending", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	bool pending = false;
	int error;

	if (!task) {
		gpufas_log("no process has pid %d\n", pid);
		return -ESRCH;
	}

	error = wake_process(task, &pending);
	if (!pending) {
		gpufas_log("%d (%s) has no signal pending\n", task->pid, task->comm);
		return -ENODATA;
	}

	return error;
}

GPUFAS_ENTRY(wakeall, "wake every process with a name, so that it takes the signals that are pending",
	     const char *, name)
{
	struct task_struct *process;
	int found = 0, error = 0;

	for_each_process(process) {
		bool pending = false;
		int result;

		if (!gpufas_task_has_name(process, name) || gpufas_is_kernel_thread(process))
			continue;

		found++;
		result = wake_process(process, &pending);
		if (result < 0)
			error = result;
	}

	gpufas_log("%d processes are called %s\n", found, name);
	return found ? error : -ESRCH;
}
