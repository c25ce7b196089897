/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --target host --emit asm %s -o - | FileCheck-22 %s
// A bool is passed as one byte that the callee takes as it is; the exported function must not leave
// anything else in the register.

#include <gpufas/gpufas.h>

GPUFAS_ENTRY(go, "bool", bool, yes)
{
	return yes ? 7 : 8;
}

// CHECK-LABEL: gpufas_entry_go:
// CHECK: setne {{%[a-z]+}}
// CHECK: callq *
