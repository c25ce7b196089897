/* SPDX-License-Identifier: GPL-2.0 */
/* Ends in the middle of critical sections, in each way that a program can end. What it writes there is a process's name. */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/spinlock.h>

enum way { FAULT, HANG, RETURN };

static long end(enum way way)
{
	if (way == FAULT)
		return *(volatile int *)8;
	while (way == HANG)
		cpu_relax();
	return 0;
}

GPUFAS_ENTRY(locked, "end with the locks of a process's signals and of its priority held", int, pid, int, way)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	spin_lock(&task->sighand->siglock);
	task->comm[0] = 'L';
	raw_spin_lock(&task->pi_lock);
	task->comm[1] = 'L';
	WRITE_ONCE(*(u32 *)&task->comm[4], 0);
	return end(way);
}

GPUFAS_ENTRY(inner, "end when the inner one of two locks was released", int, pid, int, way)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	spin_lock(&task->sighand->siglock);
	raw_spin_lock(&task->pi_lock);
	task->comm[1] = 'I';
	raw_spin_unlock(&task->pi_lock);
	return end(way);
}

GPUFAS_ENTRY(seen, "whether both locks are free", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	bool free;

	if (!task)
		return -ESRCH;
	gpufas_log("its name is %s\n", task->comm);
	free = spin_trylock(&task->sighand->siglock);
	if (!free)
		return 0;
	spin_unlock(&task->sighand->siglock);
	free = raw_spin_trylock(&task->pi_lock);
	if (free)
		raw_spin_unlock(&task->pi_lock);
	return free;
}
