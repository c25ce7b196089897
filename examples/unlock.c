/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Find spinlocks that CPUs wait for without end, and release a lock, from
 * outside.
 *
 *	gpufas run unlock.fatbin find --qmp SOCKET -- --threshold_ms 5000
 *	gpufas run unlock.fatbin waiters --qmp SOCKET -- --address 0xffffffffc0123400
 *	gpufas run unlock.fatbin spinlock --qmp SOCKET -- --address 0xffffffffc0123400
 *	gpufas run unlock.fatbin mutex_waiters --qmp SOCKET -- --address 0xffffffffc0123440
 *	gpufas run unlock.fatbin mutex --qmp SOCKET -- --address 0xffffffffc0123440
 *
 * What the lock guards is in whatever state it was left in: see gpufas/unlock.h.
 */
#include <gpufas/gpufas.h>
#include <gpufas/lock_waiters.h>
#include <gpufas/unlock.h>

GPUFAS_ENTRY(find, "show the CPUs that have waited for a spinlock for at least this long, and the lock",
	     unsigned long, threshold_ms)
{
	unsigned int cpu;
	int waiting = 0;

	for_each_online_cpu(cpu) {
		struct task_struct *task = gpufas_cpu_task(cpu);
		struct qspinlock *lock;

		if (gpufas_running_ms(task) < threshold_ms)
			continue;

		lock = gpufas_spins_on(task);
		if (lock)
			gpufas_log("CPU %u, %d (%s), waits for at most %llu ms for the lock at 0x%px\n",
				   cpu, task->pid, task->comm, gpufas_running_ms(task), lock);
		else if (gpufas_queue_node(cpu, 0))
			/* A hypervisor may have stopped it meanwhile (kvm_wait()). */
			gpufas_log("CPU %u, %d (%s), waits for at most %llu ms for a lock that is not known\n",
				   cpu, task->pid, task->comm, gpufas_running_ms(task));
		else
			continue;
		waiting++;
	}

	gpufas_log("%d CPUs wait for a spinlock\n", waiting);
	return waiting;
}

GPUFAS_ENTRY(waiters, "show who waits for a spinning lock", unsigned long, address)
{
	return gpufas_show_spinning((struct qspinlock *)address);
}

GPUFAS_ENTRY(spinlock_waiters, "show who waits for a spinlock_t, with PREEMPT_RT too", unsigned long, address)
{
	return gpufas_show_spinlock((spinlock_t *)address);
}

GPUFAS_ENTRY(mutex_waiters, "show who waits for a struct mutex", unsigned long, address)
{
	return gpufas_show_mutex((struct mutex *)address);
}

/* What became of a lock, in words */
static int report(const char *kind, const void *lock, int waiters, int error)
{
	if (error)
		gpufas_log("the %s at %px is not released: %s\n", kind, lock,
			   gpufas_unlock_error_text(error));
	else
		gpufas_log("the %s at %px is released, %d wait for it\n", kind, lock, waiters);
	return error;
}

GPUFAS_ENTRY(raw_spinlock, "release a raw_spinlock_t", unsigned long, address)
{
	raw_spinlock_t *lock = (raw_spinlock_t *)address;
	int waiters = gpufas_show_spinning(&lock->raw_lock);

	return report("raw spinlock", lock, waiters, gpufas_release_raw_spinlock(lock));
}

GPUFAS_ENTRY(spinlock, "release a spinlock_t; with PREEMPT_RT, one whose owner is dead", unsigned long, address)
{
	spinlock_t *lock = (spinlock_t *)address;
	int waiters = gpufas_show_spinlock(lock);

	return report("spinlock", lock, waiters, gpufas_release_spinlock(lock));
}

GPUFAS_ENTRY(mutex, "release a struct mutex whose owner is dead", unsigned long, address)
{
	struct mutex *lock = (struct mutex *)address;
	int waiters = gpufas_show_mutex(lock);

	return report("mutex", lock, waiters, gpufas_release_mutex(lock));
}
