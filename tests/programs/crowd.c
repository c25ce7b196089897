/* SPDX-License-Identifier: GPL-2.0 */
/* Two entries on the queue of one CPU for wakeups, the second as another CPU of the kernel's makes it. */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>
#include <gpufas/wake.h>

#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>

/* Another process of that name that sleeps on the same CPU. */
static struct task_struct *find_other(const struct task_struct *task, const char *name)
{
	struct task_struct *other;

	for_each_process(other)
		if (other != task && gpufas_task_has_name(other, name) &&
		    task_cpu(other) == task_cpu(task) &&
		    gpufas_check_wake(other, TASK_INTERRUPTIBLE) == GPUFAS_WAKE_QUEUE)
			return other;
	return NULL;
}

/* ttwu_queue_wakelist(), to a queue that is not empty. */
static void add(struct task_struct *task)
{
	struct llist_head *queue = &per_cpu(gpufas_call_single_queue, task_cpu(task));
	struct llist_node *node = (struct llist_node *)&task->wake_entry;

	task->sched_remote_wakeup = 0;
	WRITE_ONCE(gpufas_task_state(task), TASK_WAKING);
	WRITE_ONCE(node->next, queue->first);
	WRITE_ONCE(queue->first, node);
}

GPUFAS_ENTRY(crowd, "wake a process, and let another CPU wake one of the same CPU after it", const char *, name)
{
	struct task_struct *process, *other;
	int way;

	for_each_process(process) {
		if (!gpufas_task_has_name(process, name))
			continue;
		other = find_other(process, name);
		if (!other)
			continue;
		way = gpufas_wake_task(process, TASK_INTERRUPTIBLE);
		if (way != GPUFAS_WAKE_QUEUE)
			return way < 0 ? way : -EIO;
		add(other);
		return 0;
	}
	return -ESRCH;
}
