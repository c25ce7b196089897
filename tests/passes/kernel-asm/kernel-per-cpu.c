/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// per_cpu() names its CPU and needs no assembly; this_cpu_read() and this_cpu_inc() are of the CPU as which the program
// runs.

#include <linux/percpu.h>

DECLARE_PER_CPU(int, counter);

// CHECK-LABEL: @of(
// CHECK: getelementptr {{.*}}@__per_cpu_offset
// CHECK: load i32, ptr
// CHECK-NOT: refused
// CHECK: ret i32
int of(int cpu) { return per_cpu(counter, cpu); }

// CHECK-LABEL: @of_this(
// CHECK: load i64, ptr @gpufas.cpu_offset
// CHECK: load volatile i32, ptr
int of_this(void) { return this_cpu_read(counter); }

// CHECK-LABEL: @count(
// CHECK: atomicrmw add ptr {{%.*}}, i32 1 monotonic
// CHECK-NOT: refused
// CHECK: ret void
void count(void) { this_cpu_inc(counter); }

// CHECK-LABEL: @pointer(
// CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.cpu_offset
// CHECK: add i64 [[OFFSET]], ptrtoint (ptr @counter to i64)
int *pointer(void) { return this_cpu_ptr(&counter); }
