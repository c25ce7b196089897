/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts of the failing system's CPUs.
 *
 * A program runs on none of these CPUs, so that it can send no interrupt by
 * itself: it asks for one, and `gpufas run` sends it when the program has
 * ended, before the guest runs on. A guest gets it as a message-signalled
 * interrupt, through QEMU's gdb stub. Where that cannot be (`--interrupts
 * never`, a memory dump, a debugger that holds the stub), a request is refused
 * before anything is written.
 *
 * A program that has paused a running system through its in-kernel support has
 * that send them (gpufas/support_pause.h): they arrive when the CPUs go on.
 */
#ifndef _GPUFAS_INTERRUPT_H
#define _GPUFAS_INTERRUPT_H

#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include <asm/irq_vectors.h>
#include <asm/smp.h>

/* runtime/device/src/interrupt.rs has both. */
int gpufas_interrupts_available(void);
int gpufas_request_interrupt(unsigned int cpu, unsigned int apic_id, unsigned int vector,
			     unsigned long address, unsigned long value, unsigned int size);

#ifndef _GPUFAS_SUPPORT_PAUSE_H
#define gpufas_interrupts_by_support()			false
#define gpufas_interrupt_by_support(cpu, vector)	(-EOPNOTSUPP)
#endif

/* Whether any can be sent. */
static inline bool gpufas_can_interrupt(void)
{
	return gpufas_interrupts_by_support() || gpufas_interrupts_available();
}

/* The largest id of a local APIC that a message-signalled interrupt reaches. */
#define GPUFAS_MAX_APIC_ID 255

/*
 * gpufas_check_interrupt - whether a CPU can be sent interrupts
 *
 * Returns 0, or:
 * -EOPNOTSUPP	no interrupts can be sent at all, or not to this CPU's local APIC
 * -ENXIO	the CPU is offline
 */
static inline int gpufas_check_interrupt(unsigned int cpu)
{
	if (!gpufas_can_interrupt())
		return -EOPNOTSUPP;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -ENXIO;

	if (gpufas_interrupts_by_support())
		return 0;

	return per_cpu(x86_cpu_to_apicid, cpu) <= GPUFAS_MAX_APIC_ID ? 0 : -EOPNOTSUPP;
}

/*
 * gpufas_interrupt_cpu - have an interrupt sent to a CPU when the program has ended
 * @cpu:	the CPU
 * @vector:	what it gets, see asm/irq_vectors.h
 * @word:	a number in the kernel's memory that changes when the CPU serves the
 *		interrupt, and by nothing else, or NULL: `gpufas run` reports whether
 *		it was served
 * @size:	of the number, 4 or 8 bytes
 * @value:	what is there from when the program has ended until then
 *
 * To be called before the store that makes the interrupt necessary, so that
 * a program that ends in between leaves an interrupt too many, never one too
 * few. The same interrupt of the same CPU is sent once.
 *
 * Returns 0, an error of gpufas_check_interrupt(), -ENOSPC after 16384 of them, or
 * an error of gpufas_support_interrupt().
 */
static inline int gpufas_interrupt_cpu(unsigned int cpu, unsigned int vector,
				       const volatile void *word, unsigned int size,
				       unsigned long value)
{
	int error = gpufas_check_interrupt(cpu);

	if (error)
		return error;

	if (gpufas_interrupts_by_support())
		return gpufas_interrupt_by_support(cpu, vector);

	return gpufas_request_interrupt(cpu, per_cpu(x86_cpu_to_apicid, cpu), vector,
					(unsigned long)word, value, size);
}

#endif /* _GPUFAS_INTERRUPT_H */
