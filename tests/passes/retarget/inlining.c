/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --target host --emit llvm-ir %s -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --target cuda --emit llvm-ir %s -o - | FileCheck-22 %s
// The translation that serves most of memory is part of the program on both targets, and so is what the runtime does in
// every turn of a loop; attributes of different CPUs would keep that from being inlined.

#include <linux/sched.h>
#include <gpufas/gpufas.h>

GPUFAS_ENTRY(go, "read", unsigned long, task)
{
	struct task_struct *one = (struct task_struct *)task;

	while (one->pid > 1)
		one = one->real_parent;
	return one->pid;
}

// CHECK-LABEL: @gpufas_program_go(
// CHECK-NOT: @gpufas_count(
// CHECK: @gpufas_context
// CHECK-NOT: @gpufas_count(
// CHECK: icmp ult i64
// CHECK-NOT: @gpufas_count(
// CHECK: ret i32
