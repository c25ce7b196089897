/* SPDX-License-Identifier: GPL-2.0 */
/*
 * End many processes at once, by name and user, from outside.
 *
 *	gpufas run end-many.fatbin --qmp SOCKET -- --name worker --user -1 --signal KILL --protect ''
 *
 * A user of -1 stands for all users, an empty name for all names.
 *
 * With the in-kernel support (runtime/support/) the kernel itself can send the
 * signals, several at once, while the system runs:
 *
 *	gpufas run end-many.fatbin end_many_supported --pause never ...
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/signal_names.h>
#include <gpufas/support.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/threads.h>

static bool is_meant(struct task_struct *process, const char *name, int user, const char *protect)
{
	return gpufas_may_be_victim(process, protect) &&
	       (!*name || gpufas_task_has_name(process, name)) &&
	       (user < 0 || gpufas_user(process) == user);
}

GPUFAS_ENTRY(end_many, "send a signal to all processes with a name and a user",
	     const char *, name, int, user, const char *, signal, const char *, protect)
{
	unsigned int found = 0, sent = 0, asleep = 0;
	int sig = gpufas_parse_signal(signal);
	struct task_struct *process;
	int error = 0;

	if (sig < 0)
		return sig;

	for_each_process(process) {
		int result;

		if (!is_meant(process, name, user, protect))
			continue;

		found++;
		result = gpufas_send_signal(sig, process, PIDTYPE_TGID);
		if (result < 0)
			error = result;
		else
			sent++;
		if (result == GPUFAS_SIGNAL_ASLEEP)
			asleep++;
	}

	gpufas_log("%u processes: signal %d sent to %u, of which %u are asleep\n", found, sig, sent,
		   asleep);
	/* Those to which an earlier try has sent it may be gone. */
	return found || gpufas_tries() ? error : -ESRCH;
}

/*
 * The most processes of one run: they are looked for first, since the list of a running system changes.
 * It is as many as a system has at most if nobody has raised kernel.pid_max.
 */
#ifndef MAX_PROCESSES
#define MAX_PROCESSES PID_MAX_DEFAULT
#endif

static struct gpufas_support_identity victims[MAX_PROCESSES];

GPUFAS_ENTRY(end_many_supported, "have the kernel send a signal to all processes with a name and a user",
	     const char *, name, int, user, const char *, signal, const char *, protect)
{
	static struct gpufas_support_request requests[GPUFAS_SUPPORT_SLOTS];
	unsigned int found = 0, left_out = 0, sent = 0, begin, i;
	int sig = gpufas_parse_signal(signal);
	struct gpufas_support support;
	struct task_struct *process;
	int error, failed = 0;

	if (sig < 0)
		return sig;

	error = gpufas_support_find(&support);
	if (error)
		return error;

	for_each_process(process) {
		struct gpufas_support_identity who = gpufas_support_identify(process);

		if (!is_meant(process, name, user, protect) || !gpufas_support_is(process, &who))
			continue;
		if (found < MAX_PROCESSES)
			victims[found++] = who;
		else
			left_out++;
	}

	for (begin = 0; begin < found && !error; begin += GPUFAS_SUPPORT_SLOTS) {
		unsigned int count = min_t(unsigned int, found - begin, GPUFAS_SUPPORT_SLOTS);

		for (i = 0; i < count && !error; i++) {
			requests[i] = (struct gpufas_support_request){
				.operation = GPUFAS_SUPPORT_SIGNAL,
				.width = GPUFAS_SUPPORT_PROCESS,
				.value = victims[begin + i].pid,
				.address = victims[begin + i].start_time,
				.expected = sig,
				.cookie = begin + i,
			};
			error = gpufas_support_submit(&support, &requests[i]);
		}
		for (i = 0; i < count && !error; i++) {
			struct gpufas_support_answer answer;

			error = gpufas_support_wait(&support, &requests[i], &answer);
			if (error)
				break;
			if (!answer.status)
				sent++;
			else if (answer.status != -ESRCH)
				failed = answer.status;
			/* Else it has ended meanwhile. */
		}
	}

	gpufas_log("%u processes: the kernel has sent signal %d to %u\n", found + left_out, sig, sent);
	if (error || failed)
		return error ? error : failed;
	if (left_out) {
		gpufas_log("%u of them were left out: one run sends to %u\n", left_out, found);
		return -ENOSPC;
	}
	return sent ? 0 : -ESRCH;
}
