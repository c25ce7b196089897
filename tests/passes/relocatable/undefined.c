/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel -c --emit object --target host %s -o %t.o
// RUN: llvm-nm-22 %t.o | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel -c --emit ptx %s -o - | FileCheck-22 --check-prefix=PTX %s
/* What relocatable code does not define stays undefined: functions under their names, and for each kernel variable a word with its
 * address. An initial value that needs one is assigned by a function that is named after the file.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

struct task_struct *first = &init_task;
int count(void *p);
int count(void *p)
{
	struct task_struct *task;
	int n = 0;

	for_each_process(task)
		n++;
	kfree(p);
	return n;
}

// CHECK-DAG: T count
// CHECK-DAG: {{[BD]}} first
// CHECK-DAG: U gpufas_symbol_init_task
// CHECK-DAG: U gpufas_translate_load
// CHECK-DAG: T gpufas_initialise_undefined_
// CHECK-DAG: U kfree
// PTX-DAG: .extern .global .align 8 .u64 gpufas_symbol_init_task;
// PTX-DAG: .extern .func kfree
// PTX-DAG: .visible .func gpufas_initialise_undefined_
// PTX-DAG: .visible .global .align 8 .u64 first
