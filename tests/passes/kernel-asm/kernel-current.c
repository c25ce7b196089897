/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// `current` and "this CPU" mean nothing in a recovery program, and are refused where their value is
// used.

#include <linux/sched.h>
#include <linux/smp.h>

// CHECK: c"this-cpu: `current` is the task that runs on this CPU{{.*}}for_each_process()
// CHECK: c"this-cpu: a recovery program runs on no CPU of the failing system

// CHECK-LABEL: @pid(
// CHECK: call i64 @gpufas.refused.i64(ptr nonnull @gpufas.reason)
int pid(void) { return current->pid; }

// CHECK-LABEL: @cpu(
// CHECK: call void @gpufas.refused(ptr nonnull @gpufas.reason.1)
int cpu(void) { return raw_smp_processor_id(); }
