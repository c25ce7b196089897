/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize,llview --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=TEXT
// WARN() says in the program's log where it is, and BUG() ends the program, as the macros of the kernel's headers have them.

#include <linux/bug.h>

// TEXT-DAG: c"warning at kernel-warn.c:[[#@LINE+11]] in twice < kernel-warn.c:[[#@LINE+14]] in warn\0A"
// TEXT-DAG: c"warning at kernel-warn.c:[[#@LINE+15]] in warn\0A"
// TEXT-DAG: [[DONE:@gpufas.warned[.0-9]*]] = internal global i8 0

// CHECK-LABEL: @warn(
// CHECK-DAG: call void @gpufas.warn(ptr null)
// CHECK-DAG: call void @gpufas.warn(ptr {{(nonnull )?}}@gpufas.warned)
// CHECK: ret i1
// TEXT-LABEL: @warn(
// TEXT-DAG: call void @gpufas_warn(ptr {{@[a-z.0-9]+}}, i64 {{[0-9]+}}, ptr null, i32 {{[0-9]+}})
// TEXT-DAG: call void @gpufas_warn(ptr {{@[a-z.0-9]+}}, i64 {{[0-9]+}}, ptr [[DONE]], i32 {{[0-9]+}})
static inline bool twice(int bad) { return WARN_ON(bad); }
bool warn(int bad)
{
	bool said = twice(bad);

	WARN_ON_ONCE(bad & 2);
	return said;
}

// CHECK-LABEL: @bug(
// CHECK: br i1
// CHECK: call void @gpufas.bug()
// CHECK-NEXT: unreachable
void bug(int bad) { BUG_ON(bad); }
