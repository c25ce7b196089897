/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process table is full, nothing can be started to clear it: kill a fork
 * bomb from outside, all of it at one moment, while no process can start another.
 *
 *	gpufas run fork-bomb.fatbin fork_bomb --qmp SOCKET -- \
 *		--threshold_percent 90 --least 100 --by name --protect sshd
 *
 * The bomb is the largest group of tasks that have something in common:
 *
 *	--by name	name and user
 *	--by user	user
 *	--by session	session, as all that one login has started
 *
 * Nothing is done unless that much of the process table is in use and the group
 * has at least so many tasks.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal.h>
#include <gpufas/task.h>
#include <gpufas/victim.h>

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/version.h>

/* The limit of tasks that memory allows: kernel/fork.c has it for itself. */
extern int max_threads __asm__("*:max_threads");

static int largest_pid(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	return pid_max;
#else
	return init_pid_ns.pid_max;
#endif
}

static unsigned int percent(long part, long whole)
{
	return whole > 0 ? part * 100 / whole : 100;
}

/* RESERVED_PIDS of kernel/pid.c: numbers below it are given once, while the system starts. */
#define FIRST_PID 300

/* As alloc_pid() and copy_process() count. The highest bit of pid_allocated is a flag. */
static unsigned int table_in_use_percent(void)
{
	long pids = init_pid_ns.pid_allocated & ~PIDNS_ADDING;
	struct task_struct *process;

	for_each_process(process)
		if (process->pid < FIRST_PID)
			pids--;

	return max(percent(pids, largest_pid() - FIRST_PID), percent(nr_threads, max_threads));
}

enum { BY_NAME, BY_USER, BY_SESSION };

/* Tasks that have something in common. */
struct group {
	struct task_struct *first;
	unsigned int tasks;
};

/*
 * As many as are told apart at once. Whatever else there is, a group with more than one in so many of
 * all tasks is found: see find_largest().
 */
#define MAX_GROUPS 256

static struct group groups[MAX_GROUPS];
static unsigned int group_count;

static bool is_alike(struct task_struct *one, struct task_struct *other, int by)
{
	switch (by) {
	case BY_NAME:
		return gpufas_user(one) == gpufas_user(other) &&
		       !strncmp(one->comm, other->comm, TASK_COMM_LEN);
	case BY_USER:
		return gpufas_user(one) == gpufas_user(other);
	default:
		return task_session(one) == task_session(other);
	}
}

static struct group *group_of(struct task_struct *process, int by)
{
	unsigned int i;

	for (i = 0; i < group_count; i++)
		if (is_alike(groups[i].first, process, by))
			return &groups[i];

	return NULL;
}

/* A place for a group of which none was seen. If there is none left, the smallest gives way, and leaves its count. */
static struct group *new_group(struct task_struct *process)
{
	struct group *place = &groups[0];
	unsigned int i;

	if (group_count < MAX_GROUPS) {
		place = &groups[group_count++];
		place->tasks = 0;
	} else {
		for (i = 1; i < MAX_GROUPS; i++)
			if (groups[i].tasks < place->tasks)
				place = &groups[i];
	}

	place->first = process;
	return place;
}

/*
 * Two rounds, for there may be more groups than places. In the first a group can
 * lose its place to others, but no large one can: the smallest count is never more than
 * all tasks divided by the places (Metwally, Agrawal, El Abbadi: "Efficient
 * computation of frequent and top-k elements in data streams", 2005). In the
 * second those that have a place are counted.
 */
static struct group *find_largest(int by, const char *protect)
{
	struct group *largest = NULL, *group;
	struct task_struct *process;
	unsigned int i;

	group_count = 0;
	for_each_process(process) {
		if (!gpufas_may_be_victim(process, protect))
			continue;

		group = group_of(process, by) ?: new_group(process);
		group->tasks += get_nr_threads(process);
	}

	for (i = 0; i < group_count; i++)
		groups[i].tasks = 0;
	for_each_process(process) {
		group = gpufas_may_be_victim(process, protect) ? group_of(process, by) : NULL;
		if (!group)
			continue;

		group->tasks += get_nr_threads(process);
		if (!largest || group->tasks > largest->tasks)
			largest = group;
	}

	return largest;
}

static bool is_being_killed(struct task_struct *process)
{
	return ((process->signal->flags & SIGNAL_GROUP_EXIT) &&
		process->signal->group_exit_code == SIGKILL) ||
	       __fatal_signal_pending(process);
}

/*
 * Who cannot be woken now has its SIGKILL all the same, by which the next try knows it and wakes it: by
 * then all others may be gone.
 */
static void leave_pending(struct task_struct *process)
{
	struct sighand_struct *sighand = process->sighand;
	struct task_struct *thread;

	/* A debugger that is attaching waits for it, as gpufas_send_signal() does. */
	for_each_thread(process, thread)
		if (thread->jobctl & JOBCTL_TRAPPING)
			return;

	if (sighand && gpufas_try_lock(&sighand->siglock)) {
		gpufas_kill_threads(process);
		gpufas_unlock(&sighand->siglock);
	}
}

/*
 * The group that an earlier try has begun to kill, when the table was full: what is left of it,
 * who could not be woken yet, would fill it again. It is the one with the most who are being killed.
 */
static struct group *find_begun(int by, const char *protect)
{
	struct group *begun = NULL, *group;
	struct task_struct *process;

	group_count = 0;
	if (!gpufas_tries())
		return NULL;

	for_each_process(process) {
		if (!gpufas_may_be_victim(process, protect) || !is_being_killed(process))
			continue;

		group = group_of(process, by) ?: new_group(process);
		if (++group->tasks > (begun ? begun->tasks : 0))
			begun = group;
	}

	return begun;
}

GPUFAS_ENTRY(fork_bomb, "kill the largest group of alike processes, if the process table is full",
	     unsigned int, threshold_percent, unsigned int, least, const char *, by,
	     const char *, protect)
{
	unsigned int in_use = table_in_use_percent(), found = 0, killed = 0;
	struct task_struct *process;
	struct group *bomb;
	int key, error = 0;

	if (!strcmp(by, "name"))
		key = BY_NAME;
	else if (!strcmp(by, "user"))
		key = BY_USER;
	else if (!strcmp(by, "session"))
		key = BY_SESSION;
	else
		return -EINVAL;

	gpufas_log("%u %% of the process table is in use\n", in_use);
	bomb = find_begun(key, protect);
	if (!bomb) {
		/* Whoever could not be woken in an earlier try has ended all the same since. */
		if (in_use < threshold_percent)
			return gpufas_tries() ? 0 : -ENOENT;

		bomb = find_largest(key, protect);
		if (!bomb || bomb->tasks < least) {
			gpufas_log("no %u tasks have the %s in common, at most %u\n", least, by,
				   bomb ? bomb->tasks : 0);
			return -ESRCH;
		}
	}

	for_each_process(process) {
		int result;

		if (!gpufas_may_be_victim(process, protect) || !is_alike(bomb->first, process, key))
			continue;

		found++;
		result = gpufas_send_signal(SIGKILL, process, PIDTYPE_TGID);
		if (result >= 0)
			killed++;
		else
			error = result;
		if (result == -EAGAIN)
			leave_pending(process);
	}

	gpufas_log("%u processes like %d (%s, user %u): signal %d sent to %u\n", found,
		   bomb->first->pid, bomb->first->comm, gpufas_user(bomb->first), SIGKILL, killed);
	return error;
}
