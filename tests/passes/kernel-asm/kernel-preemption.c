/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,kernel-symbols,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// What encloses critical sections: with preemption, bottom halves, and no scheduler to be called.

#include <linux/bottom_half.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/kernel.h>
#include <linux/sched.h>

// CHECK-LABEL: @section(
// CHECK-NOT: call
// CHECK-NOT: asm
// CHECK: ret void
void section(void)
{
	preempt_disable();
	local_bh_disable();
	might_sleep();
	cond_resched();
	preempt_enable();
}
