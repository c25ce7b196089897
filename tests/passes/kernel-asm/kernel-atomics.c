/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// The kernel's own atomic operations, from its headers to IR.

#include <linux/atomic.h>

// CHECK-LABEL: @inc(
// CHECK: atomicrmw add ptr {{%.*}}, i32 1 seq_cst, align 4
void inc(atomic_t *counter) { atomic_inc(counter); }

// CHECK-LABEL: @read_once(
// CHECK: load volatile i32, ptr
int read_once(atomic_t *counter) { return atomic_read(counter); }

// CHECK-LABEL: @unless(
// CHECK: cmpxchg ptr {{%.*}}, i32 {{%.*}}, i32 {{%.*}} seq_cst seq_cst, align 4
bool unless(atomic_t *counter) { return atomic_inc_not_zero(counter); }

// CHECK-LABEL: @exchange(
// CHECK: atomicrmw xchg ptr {{%.*}}, i64 {{%.*}} seq_cst, align 8
long exchange(atomic64_t *counter, long value) { return atomic64_xchg(counter, value); }

// CHECK-LABEL: @release(
// CHECK: store volatile i64
void release(long *word, long value) { smp_store_release(word, value); }
