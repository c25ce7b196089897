/* SPDX-License-Identifier: GPL-2.0 */
/* Locks of the kernel's as --locks says; what is found in them before, meanwhile and after, as bits 0, 1 and 2. */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#define IS_RAW_TAKEN(lock)	(READ_ONCE((lock)->raw_lock.val.counter) != 0)
#ifdef CONFIG_PREEMPT_RT
#define IS_SPIN_TAKEN(spin)	(READ_ONCE((spin)->lock.owner) != NULL)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define IS_MUTEX_TAKEN(mutex)	(READ_ONCE((mutex)->rtmutex.owner) != NULL)
#else
#define IS_MUTEX_TAKEN(mutex)	(READ_ONCE((mutex)->lock.owner) != NULL)
#endif
#else
#define IS_SPIN_TAKEN(spin)	IS_RAW_TAKEN(&(spin)->rlock)
#define IS_MUTEX_TAKEN(mutex)	(READ_ONCE((mutex)->owner.counter) != 0)
#endif

#define OBSERVE(is_taken, take, release) ({			\
	long seen = (is_taken);					\
								\
	take;							\
	seen |= (long)(is_taken) << 1;				\
	release;						\
	seen | (long)(is_taken) << 2;				\
})

GPUFAS_ENTRY(spin, "take the lock of a process's signals", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	spinlock_t *lock;
	unsigned long flags;

	if (!task)
		return -ESRCH;
	lock = &task->sighand->siglock;
	return OBSERVE(IS_SPIN_TAKEN(lock), spin_lock_irqsave(lock, flags), spin_unlock_irqrestore(lock, flags));
}

GPUFAS_ENTRY(raw, "take the lock of a process's priority", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	return OBSERVE(IS_RAW_TAKEN(&task->pi_lock), raw_spin_lock(&task->pi_lock), raw_spin_unlock(&task->pi_lock));
}

GPUFAS_ENTRY(sleeping, "take the mutex of a process's credentials", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	struct mutex *mutex;

	if (!task)
		return -ESRCH;
	mutex = &task->signal->cred_guard_mutex;
	return OBSERVE(IS_MUTEX_TAKEN(mutex), mutex_lock(mutex), mutex_unlock(mutex));
}

GPUFAS_ENTRY(trying, "say whether the lock of a process's signals could be had", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	spinlock_t *lock;

	if (!task)
		return -ESRCH;
	lock = &task->sighand->siglock;
	if (!spin_trylock(lock))
		return 0;
	spin_unlock(lock);
	return 1;
}
