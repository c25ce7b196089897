/* SPDX-License-Identifier: GPL-2.0 */
/*
 * End many processes at once, by name and user, from outside.
 *
 *	gpufas run end-many.fatbin --qmp SOCKET -- --name worker --user -1 --signal KILL --protect ''
 *
 * A user of -1 stands for all users, an empty name for all names.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/signal_names.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/sched.h>
#include <linux/sched/signal.h>

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

		if (!gpufas_may_be_victim(process, protect) ||
		    (*name && !gpufas_task_has_name(process, name)) ||
		    (user >= 0 && gpufas_user(process) != user))
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
	return found ? error : -ESRCH;
}
