/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// static_cpu_has() asks the running kernel's own data about its CPUs, as it does before it is patched.

#include <asm/cpufeature.h>

// CHECK-LABEL: @five_levels(
// CHECK: [[BYTE:%.*]] = load volatile i8, ptr getelementptr {{.*}}@boot_cpu_data
// CHECK: and i8 [[BYTE]], 1
// CHECK-NOT: refused
// CHECK: ret
bool five_levels(void) { return static_cpu_has(X86_FEATURE_LA57); }
