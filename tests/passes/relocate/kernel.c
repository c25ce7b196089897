/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --relocatable --passes layout,relocate,kernel-asm,kernel-symbols,entry-points,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// In a program no offset of the kernel's is left: not that of a member, of container_of(), or in the address of a variable.

#include <gpufas/gpufas.h>
#include <linux/sched/signal.h>

// CHECK-DAG: @gpufas.relocation.{{[0-9a-f]+}}.offset.task_struct.tasks = external
// CHECK-DAG: @gpufas.relocation.{{[0-9a-f]+}}.offset.task_struct.pid = external
// CHECK-DAG: @gpufas.relocation.{{[0-9a-f]+}}.offset.task_struct.comm = external
// CHECK-DAG: @gpufas.relocation.{{[0-9a-f]+}}.offset.list_head.next = external
// CHECK-LABEL: define {{.*}}gpufas_program_count(
// CHECK-NOT: getelementptr {{.*}}%struct.task_struct
// CHECK-NOT: getelementptr {{.*}}i64 {{-?[0-9][0-9]+}}
// CHECK: ret i32
GPUFAS_ENTRY(count, "counts", int, pid)
{
	struct task_struct *task;
	int count = 0;

	for_each_process(task)
		if (task->pid == pid && task->comm[3] == 'x')
			count++;
	return count;
}
