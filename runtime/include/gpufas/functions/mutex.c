// SPDX-License-Identifier: GPL-2.0
/* Sleeping locks: struct mutex and struct semaphore (kernel/locking/mutex.c, rtmutex_api.c, semaphore.c). */
#include <gpufas/functions/locks.h>

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/semaphore.h>

/* Without PREEMPT_RT the owner's address has flags of waiters in its low bits. */
#ifndef CONFIG_PREEMPT_RT
#define OWNER(lock) ((volatile unsigned long *)&(lock)->owner.counter)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define OWNER(lock) ((volatile unsigned long *)&(lock)->rtmutex.owner)
#else
#define OWNER(lock) ((volatile unsigned long *)&(lock)->lock.owner)
#endif

static __always_inline void acquire(struct mutex *lock)
{
	gpufas_acquire(lock, gpufas_owner_is_free(OWNER(lock)), gpufas_owner_try(OWNER(lock), current));
}

/* With PREEMPT_RT before 5.15, headers give these the names of _mutex_lock() and so on. */
#undef mutex_lock
#undef mutex_lock_nested
#undef mutex_lock_interruptible
#undef mutex_lock_killable
#undef mutex_lock_io
#undef mutex_trylock
#undef mutex_unlock
#undef mutex_is_locked

#define MUTEX_FUNCTIONS(prefix)							\
	void KERNEL(prefix##mutex_lock)(struct mutex *lock) { acquire(lock); }	\
	void KERNEL(prefix##mutex_lock_io)(struct mutex *lock) { acquire(lock); } \
	int KERNEL(prefix##mutex_lock_interruptible)(struct mutex *lock)	\
	{									\
		acquire(lock);							\
		return 0;							\
	}									\
	int KERNEL(prefix##mutex_lock_killable)(struct mutex *lock)		\
	{									\
		acquire(lock);							\
		return 0;							\
	}									\
	int KERNEL(prefix##mutex_trylock)(struct mutex *lock)			\
	{									\
		return gpufas_try(gpufas_owner_is_free(OWNER(lock)),		\
				  gpufas_owner_try(OWNER(lock), current));	\
	}									\
	void KERNEL(prefix##mutex_unlock)(struct mutex *lock)			\
	{									\
		gpufas_release(gpufas_owner_release(OWNER(lock), current));	\
	}

MUTEX_FUNCTIONS()
MUTEX_FUNCTIONS(_)

bool KERNEL(mutex_is_locked)(struct mutex *lock)
{
	return *OWNER(lock) & ~7UL;
}

/* A semaphore is free as long as its count is positive; then nobody waits. */
static __always_inline bool semaphore_try(struct semaphore *semaphore)
{
	unsigned int count = READ_ONCE(semaphore->count);

	return (int)count > 0 &&
	       gpufas_recorded_try(__sync_bool_compare_and_swap(&semaphore->count, count, count - 1),
				   &semaphore->count, -1U, 0);
}

static __always_inline void semaphore_acquire(struct semaphore *semaphore)
{
	gpufas_acquire(semaphore, (int)READ_ONCE(semaphore->count) > 0, semaphore_try(semaphore));
}

void KERNEL(down)(struct semaphore *semaphore)
{
	semaphore_acquire(semaphore);
}

int KERNEL(down_interruptible)(struct semaphore *semaphore)
{
	semaphore_acquire(semaphore);
	return 0;
}

int KERNEL(down_killable)(struct semaphore *semaphore)
{
	semaphore_acquire(semaphore);
	return 0;
}

/* 0 if it was acquired. */
int KERNEL(down_trylock)(struct semaphore *semaphore)
{
	return !gpufas_try((int)READ_ONCE(semaphore->count) > 0, semaphore_try(semaphore));
}

/* Whoever waits would have to be woken. */
static __always_inline bool semaphore_has_waiters(struct semaphore *semaphore)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	return READ_ONCE(semaphore->first_waiter);
#else
	return !list_empty(&semaphore->wait_list);
#endif
}

static __always_inline void semaphore_release(struct semaphore *semaphore)
{
	if (semaphore_has_waiters(semaphore))
		gpufas_lock_held(semaphore);
	__sync_fetch_and_add(&semaphore->count, 1);
	gpufas_record_release(&semaphore->count);
}

void KERNEL(up)(struct semaphore *semaphore)
{
	gpufas_release(semaphore_release(semaphore));
}
