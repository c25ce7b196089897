/* SPDX-License-Identifier: GPL-2.0 */
/* Calls through pointers in the kernel's memory: compiled with kernel/sched/fair.c. */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/string.h>

#include <../kernel/sched/sched.h>

GPUFAS_ENTRY(interval, "ask the class of a process how long its turn is", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task || !task->sched_class->get_rr_interval)
		return -ESRCH;
	if (task->sched_class != &fair_sched_class)
		return -EINVAL;
	return task->sched_class->get_rr_interval(task_rq(task), task);
}

GPUFAS_ENTRY(stranger, "call a function of a class that is not compiled along")
{
	struct task_struct *task;

	for_each_process(task)
		if (!strcmp(task->comm, "migration/0"))
			task->sched_class->update_curr(task_rq(task));
	return 0;
}
