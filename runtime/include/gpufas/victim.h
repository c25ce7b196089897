/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may come to harm: the policy of all bundled programs that choose their
 * victims themselves.
 */
#ifndef _GPUFAS_VICTIM_H
#define _GPUFAS_VICTIM_H

#include <gpufas/task.h>

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
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
 * Whether the end of a process is that of a protected one as well: the first
 * process of a pid namespace, as a container's, takes all others in it along
 * (zap_pid_ns_processes() in kernel/pid_namespace.c).
 */
static inline bool gpufas_takes_protected_along(struct task_struct *process, const char *names)
{
	struct pid *first = task_tgid(process);
	struct task_struct *other;

	if (!*names || !first || !is_child_reaper(first))
		return false;

	for_each_process(other) {
		struct pid *pid = task_tgid(other);

		if (pid && pid->level >= first->level &&
		    pid->numbers[first->level].ns == ns_of_pid(first) &&
		    gpufas_name_is_listed(other, names))
			return true;
	}

	return false;
}

/*
 * gpufas_may_be_victim - whether a process may be stopped or ended
 * @process:	the process, by its first thread
 * @protect:	names that are not to come to harm, separated by commas
 *
 * Never init, which the whole system ends with; never a kernel thread; never
 * what the operator protects, nor the first process of a namespace that has such in it.
 */
static inline bool gpufas_may_be_victim(struct task_struct *process, const char *protect)
{
	return !is_global_init(process) && !gpufas_is_kernel_thread(process) &&
	       !gpufas_name_is_listed(process, protect) &&
	       !gpufas_takes_protected_along(process, protect);
}

/* gpufas_user - the real user of a task, as the initial user namespace counts */
static inline uid_t gpufas_user(struct task_struct *task)
{
	return __kuid_val(task_uid(task));
}

#endif /* _GPUFAS_VICTIM_H */
