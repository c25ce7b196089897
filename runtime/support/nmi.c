// SPDX-License-Identifier: GPL-2.0
/*
 * An NMI reaches a CPU that has interrupts off. Every one that comes for whatever
 * reason is used for a look at the queue; one that the sender has announced is
 * said to be handled, once on each CPU, so that the kernel does not complain of an
 * NMI that nobody knows.
 */
#include "support.h"

#include <asm/nmi.h>

static int nmi(unsigned int type, struct pt_regs *regs)
{
	gpufas_queue_serve(GPUFAS_SUPPORT_IN_NMI);
	return gpufas_queue_nmi_announced() ? NMI_HANDLED : NMI_DONE;
}

int gpufas_nmi_init(void)
{
	return register_nmi_handler(NMI_LOCAL, nmi, 0, "gpufas_support");
}

void gpufas_nmi_exit(void)
{
	unregister_nmi_handler(NMI_LOCAL, "gpufas_support");
}
