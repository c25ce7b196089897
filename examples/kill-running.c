/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Send a signal to a process of a system that runs on, from outside: its in-kernel
 * recovery support (runtime/support/) has all CPUs stand for the moment in which
 * memory is written. So a GPU can do it that sits in the machine, where
 * no hypervisor pauses anything; with the kernel's own scheduler too.
 *
 *	gpufas-cc kill-running.c --schedule run-queue --kernel RELEASE --kernel-source DIR
 *	gpufas run kill-running.fatbin kill --qmp SOCKET --pause never -- \
 *		--pid 123 --signal KILL
 *
 * examples/support.c has the kernel send the signal itself, which takes a CPU that
 * takes interrupts (with PREEMPT_RT, one that runs the module's thread), and whatever
 * locks the kernel takes for it.
 */
#include <gpufas/gpufas.h>
#include <gpufas/support_pause.h>

#include <gpufas/signal.h>
#include <gpufas/signal_names.h>
#include <gpufas/task.h>

/* The CPUs go on by themselves after that, in microseconds: many times what a signal takes. */
#define LIMIT_US	GPUFAS_SUPPORT_MAX_PAUSE_US

/* How often it is tried: a lock may be held that is taken with interrupts on, or the task be on its way to sleep. */
#define TRIES		50

static int send(pid_t pid, int sig)
{
	struct task_struct *task = gpufas_find_task(pid);
	int result;

	if (!task) {
		gpufas_log("no process has pid %d\n", pid);
		return -ESRCH;
	}

	result = gpufas_send_signal(sig, task, PIDTYPE_TGID);
	gpufas_log("%d (%s): signal %d %s\n", pid, task->comm, sig, gpufas_signal_result_text(result));
	return min(result, 0);
}

GPUFAS_ENTRY(kill, "send a signal to a process of a running system", int, pid, const char *, signal)
{
	int sig = gpufas_parse_signal(signal), result = -EAGAIN, error, tries;
	struct gpufas_support support;
	u64 number;

	if (sig < 0) {
		gpufas_log("no signal is called %s\n", signal);
		return sig;
	}

	error = gpufas_support_find(&support);
	if (error) {
		gpufas_log("the module %s is not loaded, or of another version\n", GPUFAS_SUPPORT_MODULE);
		return error;
	}

	for (tries = 0; tries < TRIES && result == -EAGAIN; tries++) {
		error = gpufas_support_pause(&support, LIMIT_US, &number);
		if (error == -EAGAIN)
			continue;
		if (error) {
			gpufas_log("the system cannot be paused: error %d\n", error);
			return error;
		}

		result = send(pid, sig);
		error = gpufas_support_resume(&support, number);
		if (error) {
			gpufas_log("the system went on before all was written: error %d\n", error);
			return error;
		}
	}

	return result;
}
