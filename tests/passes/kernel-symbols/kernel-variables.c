/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,kernel-symbols --emit llvm-ir %s -o - | FileCheck-22 %s
// Variables and constants of the running kernel, whose initial values must not be folded.

#include <linux/sched/signal.h>

// CHECK-LABEL: @first_pid(
// CHECK: load i64, ptr @gpufas.symbol.init_task
// CHECK: load i32, ptr
int first_pid(void) { return init_task.pid; }

// CHECK-LABEL: @is_init(
// CHECK: load i64, ptr @gpufas.symbol.init_task
// CHECK: icmp eq ptr
bool is_init(struct task_struct *task) { return task == &init_task; }

// CHECK-LABEL: @threads(
// CHECK: load i64, ptr @gpufas.symbol.nr_threads
extern int nr_threads;
int threads(void) { return READ_ONCE(nr_threads); }
