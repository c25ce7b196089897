// SPDX-License-Identifier: GPL-2.0
/*
 * An NMI reaches a CPU that has interrupts off. Every one that comes for whatever
 * reason is used for a look at the queue; one that the sender has announced is
 * said to be handled, once on each CPU, so that the kernel does not complain of an
 * NMI that nobody knows.
 */
#include "support.h"

#include <linux/atomic.h>
#include <linux/percpu.h>

#include <asm/apic.h>
#include <asm/nmi.h>

/* Whether an NMI of our own is on its way to this CPU. Two that meet are one. */
static DEFINE_PER_CPU(atomic_t, nmi_sent);

static int nmi(unsigned int type, struct pt_regs *regs)
{
	bool announced = gpufas_queue_nmi_announced();

	announced |= atomic_xchg(raw_cpu_ptr(&nmi_sent), 0);
	gpufas_queue_serve(GPUFAS_SUPPORT_IN_NMI);
	if (!announced)
		return NMI_DONE;

	gpufas_queue_count_nmi();
	return NMI_HANDLED;
}

void gpufas_nmi_send(unsigned int cpu)
{
	atomic_set(per_cpu_ptr(&nmi_sent, cpu), 1);
	apic->send_IPI(cpu, NMI_VECTOR);
}

int gpufas_nmi_init(void)
{
	return register_nmi_handler(NMI_LOCAL, nmi, 0, "gpufas_support");
}

void gpufas_nmi_exit(void)
{
	unregister_nmi_handler(NMI_LOCAL, "gpufas_support");
}
