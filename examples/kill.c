/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Send a signal to processes of a system from outside, by pid or by name.
 *
 *	gpufas run kill.fatbin kill --qmp SOCKET -- --pid 123 --signal KILL
 *	gpufas run kill.fatbin killall --qmp SOCKET -- --name stress --signal TERM
 *
 *	gpufas run kill.fatbin tkill --qmp SOCKET -- --tid 124 --signal TERM
 *	gpufas run kill.fatbin wake --qmp SOCKET -- --pid 123
 *
 * The kernel of that system need not answer any more: the signal is written
 * where kill(2) would have put it, and who sleeps is woken. See gpufas/signal.h
 * for what that can do and what it cannot.
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
	 * gets another, which is better than to let one lock protect them all.
	 */
	return found ? error : -ESRCH;
}

GPUFAS_ENTRY(wake, "wake a sleeping task, so that it takes the signals that are pending", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	int result;

	if (!task) {
		gpufas_log("no process has pid %d\n", pid);
		return -ESRCH;
	}

	if (!task_sigpending(task)) {
		gpufas_log("%d (%s) has no signal pending\n", task->pid, task->comm);
		return -ENODATA;
	}

	result = gpufas_wake_for_signals(task);
	gpufas_log("%d (%s): %s\n", task->pid, task->comm,
		   result > 0 ? "woken" : result ? "cannot be woken now" : "does not sleep");
	return min(result, 0);
}
