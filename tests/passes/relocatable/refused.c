/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel -c --emit asm --target host %s -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel -c --emit ptx %s -o - | FileCheck-22 --check-prefix=PTX %s
/* In relocatable code what is refused ends the program where it is reached, and says why; other functions go on. */
#include <asm/special_insns.h>

unsigned long refused(void);
unsigned long refused(void)
{
	return native_read_cr4();
}

unsigned long fine(unsigned long x);
unsigned long fine(unsigned long x)
{
	return x + 1;
}

// CHECK-LABEL: refused:
// CHECK: callq gpufas_unsupported
// CHECK-LABEL: fine:
// CHECK: retq
// CHECK-NOT: .asciz "privileged-instruction
// CHECK: .asciz "arch/x86/include/asm/special_insns.h:{{[0-9]+}}: {{.*}}cr4{{.*}} (in native_read_cr4, called at {{.*}}refused.c:10 in refused)\n"
// PTX: .extern .func gpufas_unsupported
// PTX: .visible .func {{.*}}refused
// PTX: call.uni gpufas_unsupported
// PTX: .visible .func {{.*}}fine
