/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --target host --emit llvm-ir %s -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --target cuda --emit llvm-ir %s -o - | FileCheck-22 %s
// The part of the translation that serves most of memory is inlined into the program on both targets;
// attributes of different CPUs would keep it from that.

#include <linux/sched.h>
#include <gpufas/gpufas.h>

GPUFAS_ENTRY(go, "read", unsigned long, task)
{
	return ((struct task_struct *)task)->pid;
}

// CHECK-LABEL: @gpufas_program_go(
// CHECK-NOT: @gpufas_translate_load(
// CHECK: load volatile i32
// CHECK: ret
