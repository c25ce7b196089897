/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// Taking a queued lock by hand is what its headers say; releasing it is a plain store of a byte.

#include <linux/spinlock.h>

// CHECK-LABEL: @unlock(
// CHECK: store volatile i8 0, ptr {{%.*}}, align {{[14]}}
// CHECK: ret void
void unlock(arch_spinlock_t *lock) { arch_spin_unlock(lock); }
