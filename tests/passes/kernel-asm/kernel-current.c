/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// `current` is the task of the CPU as which the program runs, and smp_processor_id() that CPU.

#include <linux/sched.h>
#include <linux/smp.h>

// CHECK-LABEL: @pid(
// CHECK: load i64, ptr @gpufas.cpu_offset
// CHECK: [[TASK:%.*]] = load i64, ptr
// CHECK: inttoptr i64 [[TASK]] to ptr
// CHECK-NOT: refused
// CHECK: ret i32
int pid(void) { return current->pid; }

// CHECK-LABEL: @cpu(
// CHECK: [[CPU:%.*]] = load i32, ptr @gpufas.cpu, align 4
// CHECK: ret i32 [[CPU]]
int cpu(void) { return raw_smp_processor_id(); }

// CHECK-LABEL: @interrupts(
// CHECK-NOT: refused
// CHECK: ret i1 false
bool interrupts(void)
{
	unsigned long flags;
	bool off;

	local_irq_save(flags);
	off = irqs_disabled_flags(flags);
	local_irq_restore(flags);
	return off || irqs_disabled();
}
