/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may come to harm: the policy of all bundled programs that choose their
 * victims themselves.
 */
#ifndef _GPUFAS_VICTIM_H
#define _GPUFAS_VICTIM_H

#include <gpufas/task.h>

#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

/*
 * gpufas_name_is_listed - whether a task's name is one of a list
 * @task:	the task; the kernel keeps TASK_COMM_LEN - 1 characters of its name
 * @names:	names that are separated by commas; an empty text for none
 */
static inline bool gpufas_name_is_listed(const struct task_struct *task, const char *names)
{
	size_t length = strnlen(task->comm, TASK_COMM_LEN - 1);

	while (*names) {
		size_t listed = strcspn(names, ",");
		bool fits = listed == length || (listed > length && length == TASK_COMM_LEN - 1);

		if (fits && !strncmp(task->comm, names, length))
			return true;
		names += listed + (names[listed] == ',');
	}

	return false;
}

/*
 * gpufas_may_be_victim - whether a process may be stopped or ended
 * @process:	the process, by its first thread
 * @protect:	names that are not to come to harm, separated by commas
 *
 * Never init, which the whole system ends with; never a kernel thread; never
 * what the operator protects.
 */
static inline bool gpufas_may_be_victim(struct task_struct *process, const char *protect)
{
	return !is_global_init(process) && !gpufas_is_kernel_thread(process) &&
	       !gpufas_name_is_listed(process, protect);
}

/* gpufas_user - the real user of a task, as the initial user namespace counts */
static inline uid_t gpufas_user(struct task_struct *task)
{
	return __kuid_val(task_uid(task));
}

#endif /* _GPUFAS_VICTIM_H */
