/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes entry-points --emit llvm-ir %s -o - | FileCheck-22 %s
// What GPUFAS_ENTRY leaves is what the pass reads, with every type that it takes.

#include <gpufas/gpufas.h>

GPUFAS_ENTRY(none, "no arguments")
{
	return 1;
}

GPUFAS_ENTRY(all, "all types", bool, a, int, b, unsigned int, c, long, d, u64, e, const char *, f)
{
	return a + b + c + d + e + *f;
}

// CHECK-NOT: section ".gpufas.entries"
// CHECK: define void @gpufas_entry_none()
// CHECK: call i32 {{%.*}}()
// CHECK: define void @gpufas_entry_all()
// CHECK: call i32 {{%.*}}(i1 zeroext {{%.*}}, i32 {{%.*}}, i32 {{%.*}}, i64 {{%.*}}, i64 {{%.*}}, ptr {{%.*}})
