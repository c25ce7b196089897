/* SPDX-License-Identifier: GPL-2.0 */
/* Programs that never end by themselves. Each says first that it is there. */
#include <gpufas/gpufas.h>

#include <linux/processor.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

GPUFAS_ENTRY(walk, "follow the list of processes for ever")
{
	struct task_struct *process = &init_task;

	gpufas_log("walking\n");
	for (;;)
		process = next_task(process);
}

GPUFAS_ENTRY(spin, "compute for ever, without a look at the guest's memory")
{
	gpufas_log("spinning\n");
	for (;;)
		cpu_relax();
}
