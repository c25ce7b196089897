/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// per_cpu() names its CPU and needs no assembly; this_cpu_read() is that of the first CPU, and
// this_cpu_inc() is refused.

#include <linux/percpu.h>

DECLARE_PER_CPU(int, counter);

// CHECK: c"this-cpu: it changes this CPU's copy of `counter`

// CHECK-LABEL: @of(
// CHECK: getelementptr {{.*}}@__per_cpu_offset
// CHECK: load i32, ptr
// CHECK-NOT: refused
// CHECK: ret i32
int of(int cpu) { return per_cpu(counter, cpu); }

// CHECK-LABEL: @of_this(
// CHECK: load i64, ptr @__per_cpu_offset
// CHECK: load volatile i32, ptr
int of_this(void) { return this_cpu_read(counter); }

// CHECK-LABEL: @count(
// CHECK: call void @gpufas.refused(
void count(void) { this_cpu_inc(counter); }
