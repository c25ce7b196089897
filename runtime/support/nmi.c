// SPDX-License-Identifier: GPL-2.0
/*
 * An NMI reaches a CPU that has interrupts off. Every one that comes for whatever
 * reason is used for a look at the queue.
 *
 * So that the kernel does not complain of NMIs that nobody knows, those that were
 * sent for the module are said to be handled: what another CPU sent to this one, and
 * as many as the sender has announced. Of the latter nothing tells them from others,
 * so they are what is left: where nobody else has handled an NMI, and the machine
 * does not say that it tells of an error (default_do_nmi() in arch/x86/kernel/nmi.c).
 */
#include "support.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/timekeeping.h>

#include <asm/apic.h>
#include <asm/nmi.h>

/* Whether an NMI of our own is on its way to this CPU. Two that meet are one. */
static DEFINE_PER_CPU(atomic_t, nmi_sent);

/* How many of those that were announced have come, or are not waited for any more. */
static atomic64_t settled;

/* What a CPU has seen announced, and since when. Only its own interrupts look at that. */
struct announcement {
	u64 nmis;
	u64 since_ns;
};

static DEFINE_PER_CPU(struct announcement, seen);

static int nmi(unsigned int type, struct pt_regs *regs)
{
	bool sent = atomic_xchg(raw_cpu_ptr(&nmi_sent), 0);

	gpufas_queue_serve(GPUFAS_SUPPORT_IN_NMI);
	if (!sent)
		return NMI_DONE;

	gpufas_queue_count_nmi();
	return NMI_HANDLED;
}

static int unknown_nmi(unsigned int type, struct pt_regs *regs)
{
	u64 announced = gpufas_queue_announced_nmis(), most = nr_cpu_ids;
	s64 before = atomic64_read(&settled), after;

	do {
		if (before == announced)
			return NMI_DONE;
		/* No more than one for each CPU can be on their way, whatever the number says. */
		after = announced - before > most ? announced - most + 1 : before + 1;
	} while (!atomic64_try_cmpxchg(&settled, &before, after));

	gpufas_queue_count_nmi();
	return NMI_HANDLED;
}

void gpufas_nmi_look(void)
{
	struct announcement *its = raw_cpu_ptr(&seen);
	u64 announced = gpufas_queue_announced_nmis(), now;
	s64 before = atomic64_read(&settled);

	if (likely(before == announced))
		return;

	now = ktime_get_mono_fast_ns();
	if (its->nmis != announced) {
		its->nmis = announced;
		its->since_ns = now;
	} else if (now - its->since_ns > GPUFAS_SUPPORT_NMI_PATIENCE_S * NSEC_PER_SEC) {
		atomic64_cmpxchg(&settled, before, announced);
	}
}

void gpufas_nmi_send(unsigned int cpu)
{
	atomic_set(per_cpu_ptr(&nmi_sent, cpu), 1);
	apic->send_IPI(cpu, NMI_VECTOR);
}

int gpufas_nmi_init(void)
{
	int error = register_nmi_handler(NMI_LOCAL, nmi, 0, "gpufas_support");

	if (error)
		return error;

	error = register_nmi_handler(NMI_UNKNOWN, unknown_nmi, 0, "gpufas_support");
	if (error)
		unregister_nmi_handler(NMI_LOCAL, "gpufas_support");
	return error;
}

void gpufas_nmi_exit(void)
{
	unregister_nmi_handler(NMI_UNKNOWN, "gpufas_support");
	unregister_nmi_handler(NMI_LOCAL, "gpufas_support");
}
