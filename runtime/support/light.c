// SPDX-License-Identifier: GPL-2.0
/*
 * Light requests: done in hard interrupt context, interrupts off, and most of them
 * in an NMI too. They call nothing of the kernel's that takes a lock.
 */
#include "support.h"

#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include <asm/smp.h>

bool gpufas_is_nmi_safe(u32 operation)
{
	switch (operation) {
	case GPUFAS_SUPPORT_READ:
	case GPUFAS_SUPPORT_CHANGE:
	case GPUFAS_SUPPORT_LOCK:
	case GPUFAS_SUPPORT_UNLOCK:
		return true;
	default:
		/*
		 * An interrupt is sent with two writes to the APIC where that is no
		 * x2APIC, and the NMI may have come between those of the code that
		 * it interrupted. A pause is for CPUs that took an interrupt.
		 */
		return false;
	}
}

static struct gpufas_outcome read_word(const struct gpufas_support_request *request)
{
	struct gpufas_outcome outcome = gpufas_check_word(request->address, request->width, false);
	u64 value = 0;

	if (outcome.status)
		return outcome;

	if (gpufas_read_word(request->address, request->width, &value))
		return GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);

	return GPUFAS_DONE(value);
}

static struct gpufas_outcome change_word(const struct gpufas_support_request *request)
{
	struct gpufas_outcome outcome = gpufas_check_word(request->address, request->width, true);
	u64 limit = request->width < 8 ? (1ULL << request->width * 8) - 1 : U64_MAX;
	u64 old = 0;

	if (outcome.status)
		return outcome;

	if (request->expected > limit || request->value > limit)
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	if (gpufas_change_word(request->address, request->width, request->expected,
			       request->value, &old))
		return GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);

	return old == request->expected ? GPUFAS_DONE(old) : GPUFAS_FAILED(-EAGAIN, old);
}

/*
 * The lock alone, without what raw_spin_lock() does to the count of the CPU that
 * takes it: no CPU's code is the owner. Whoever asked for the lock also asks for
 * its release, which may happen on another CPU.
 */
static struct gpufas_outcome lock(const struct gpufas_support_request *request)
{
	struct gpufas_outcome outcome =
		gpufas_check_word(request->address, sizeof(arch_spinlock_t), true);
	u64 tries, old;

	if (outcome.status)
		return outcome;

	if (request->value > GPUFAS_SUPPORT_MAX_TRIES)
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	for (tries = 0; tries <= request->value; tries++) {
		/* queued_spin_trylock(), at an address that may be gone by now */
		if (gpufas_change_word(request->address, sizeof(arch_spinlock_t), 0, _Q_LOCKED_VAL,
				       &old))
			return GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);
		if (!old)
			return GPUFAS_DONE(tries);
		cpu_relax();
	}
	return GPUFAS_FAILED(-EBUSY, 0);
}

/*
 * What the low byte of a lock is (_Q_SLOW_VAL of kernel/locking/qspinlock_paravirt.h) while the next in its queue
 * has had the hypervisor stop its CPU: whoever releases it must have that CPU woken, which the kernel's own release
 * does. Without such a hypervisor no lock has it.
 */
#define SLOW_VALUE	3

static struct gpufas_outcome unlock(const struct gpufas_support_request *request)
{
	struct gpufas_outcome outcome =
		gpufas_check_word(request->address, sizeof(arch_spinlock_t), true);
	raw_spinlock_t *lock = (raw_spinlock_t *)request->address;
	u64 word = 0, old = 0;

	if (outcome.status)
		return outcome;

	/* The low byte says whether it is held; above it is the end of the queue of those who wait. */
	if (gpufas_read_word(request->address, sizeof(arch_spinlock_t), &word))
		return GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);

	switch (word & _Q_LOCKED_MASK) {
	case 0:
		return GPUFAS_FAILED(-ENOLCK, word);
	case _Q_LOCKED_VAL:
		break;
	case SLOW_VALUE:
		/* Without one who waits the kernel would look for him, and end in a BUG(). */
		if (word >> _Q_TAIL_OFFSET) {
			arch_spin_unlock(&lock->raw_lock);
			return GPUFAS_DONE(word);
		}
		fallthrough;
	default:
		return GPUFAS_FAILED(-EINVAL, word);
	}

	/* queued_spin_unlock(), at an address that may be gone by now */
	if (gpufas_change_word(request->address, 1, _Q_LOCKED_VAL, 0, &old))
		return GPUFAS_REFUSED(-EFAULT, GPUFAS_SUPPORT_BAD_ADDRESS);

	/* Somebody has released it meanwhile, or has begun to wait so. */
	return old == _Q_LOCKED_VAL ? GPUFAS_DONE(word) : GPUFAS_FAILED(-EAGAIN, old);
}

static struct gpufas_outcome interrupt(const struct gpufas_support_request *request)
{
	if (request->value >= nr_cpu_ids || !cpu_online(request->value))
		return GPUFAS_REFUSED(-ENXIO, GPUFAS_SUPPORT_BAD_CPU);

	switch (request->width) {
	case GPUFAS_SUPPORT_RESCHEDULE:
		/* In parentheses: since 6.4 a macro has the name, whose trace point no module may use. */
		(smp_ops.smp_send_reschedule)(request->value);
		return GPUFAS_DONE(0);
	case GPUFAS_SUPPORT_CALL_FUNCTION:
		smp_ops.send_call_func_single_ipi(request->value);
		return GPUFAS_DONE(0);
	case GPUFAS_SUPPORT_NMI:
		gpufas_nmi_send(request->value);
		return GPUFAS_DONE(0);
	default:
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);
	}
}

struct gpufas_outcome gpufas_serve_light(const struct gpufas_support_request *request)
{
	switch (request->operation) {
	case GPUFAS_SUPPORT_READ:
		return read_word(request);
	case GPUFAS_SUPPORT_CHANGE:
		return change_word(request);
	case GPUFAS_SUPPORT_LOCK:
		return lock(request);
	case GPUFAS_SUPPORT_UNLOCK:
		return unlock(request);
	case GPUFAS_SUPPORT_INTERRUPT:
		return interrupt(request);
	case GPUFAS_SUPPORT_PAUSE:
		return gpufas_pause(request);
	case GPUFAS_SUPPORT_RESUME:
		return gpufas_resume(request);
	default:
		return GPUFAS_REFUSED(-EOPNOTSUPP, GPUFAS_SUPPORT_BAD_OPERATION);
	}
}
