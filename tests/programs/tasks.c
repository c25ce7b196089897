/* SPDX-License-Identifier: GPL-2.0 */
/*
 * List processes on kernels that the program was not compiled for: with
 * --relocatable the offsets are those of the kernel that it meets, and the
 * state of a task is looked for under both of its names.
 */
#include <gpufas/gpufas.h>
#include <gpufas/relocate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

/* before 5.14 */
struct GPUFAS_KERNEL_TYPE task_struct___volatile_state {
	long state;
};

static unsigned int state_of(struct task_struct *task)
{
	if (gpufas_field_exists(struct task_struct, __state))
		return task->__state;
	return ((struct task_struct___volatile_state *)task)->state;
}

/* since 7.0 or so; an int before */
struct GPUFAS_KERNEL_TYPE task_struct___byte {
	u8 on_cpu;
};

static int is_on_cpu(struct task_struct *task)
{
	if (gpufas_field_size(struct task_struct, on_cpu) == sizeof(u8))
		return ((struct task_struct___byte *)task)->on_cpu;
	return task->on_cpu;
}

GPUFAS_ENTRY(running, "count the tasks that run on a CPU")
{
	struct task_struct *process, *thread;
	int running = 0, tasks = 0;

	for_each_process_thread(process, thread) {
		int on_cpu = is_on_cpu(thread);

		if (on_cpu != 0 && on_cpu != 1)
			return -1;
		running += on_cpu;
		tasks++;
	}
	gpufas_log("%d of %d\n", running, tasks);
	return 0;
}

GPUFAS_ENTRY(tasks, "list processes")
{
	struct task_struct *process;

	for_each_process(process)
		gpufas_log("%d %d %x %s\n", process->tgid, process->real_parent->tgid,
			   state_of(process), process->comm);
	return 0;
}

GPUFAS_ENTRY(gone, "use a member without asking, although another entry point asks for it")
{
	return init_task.__state;
}
