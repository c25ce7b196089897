// SPDX-License-Identifier: GPL-2.0
/* spinlock_t and rwlock_t with PREEMPT_RT, where a task owns them (kernel/locking/spinlock_rt.c). */
#include <gpufas/functions/locks.h>

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#ifdef CONFIG_PREEMPT_RT

#define OWNER(lock) ((volatile unsigned long *)&(lock)->lock.owner)

static __always_inline void rt_acquire(spinlock_t *lock)
{
	gpufas_acquire(lock, gpufas_owner_is_free(OWNER(lock)), gpufas_owner_try(OWNER(lock), current));
}

static __always_inline int rt_try(spinlock_t *lock)
{
	return gpufas_try(gpufas_owner_is_free(OWNER(lock)), gpufas_owner_try(OWNER(lock), current));
}

void KERNEL(rt_spin_lock)(spinlock_t *lock)
{
	rt_acquire(lock);
}

void KERNEL(rt_spin_lock_nested)(spinlock_t *lock, int subclass)
{
	rt_acquire(lock);
}

void KERNEL(rt_spin_lock_nest_lock)(spinlock_t *lock, struct lockdep_map *map)
{
	rt_acquire(lock);
}

void KERNEL(rt_spin_unlock)(spinlock_t *lock)
{
	gpufas_release(gpufas_owner_release(OWNER(lock), current));
}

/* Waits until whoever has the lock has gone. */
void KERNEL(rt_spin_lock_unlock)(spinlock_t *lock)
{
	gpufas_acquire(lock, gpufas_owner_is_free(OWNER(lock)), true);
}

int KERNEL(rt_spin_trylock)(spinlock_t *lock)
{
	return rt_try(lock);
}

int KERNEL(rt_spin_trylock_bh)(spinlock_t *lock)
{
	return rt_try(lock);
}

int KERNEL(rt_spin_trylock_irqsave)(spinlock_t *lock, unsigned long *flags)
{
	*flags = GPUFAS_INTERRUPTS_ON;
	return rt_try(lock);
}

/*
 * Readers are counted beside a bias that a writer takes away
 * (kernel/locking/rwbase_rt.c); before 5.15 the values have the same meaning,
 * in struct rt_rw_lock.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define READERS(lock) (&(lock)->rwbase.readers)
#else
#define READERS(lock) (&(lock)->readers)
#endif
#define NO_READERS	((int)(1U << 31))
#define A_WRITER	(1 << 30)

static __always_inline bool read_try(atomic_t *readers)
{
	int count = READ_ONCE(readers->counter);

	return count < 0 &&
	       gpufas_recorded_try(atomic_cmpxchg(readers, count, count + 1) == count,
				   &readers->counter, 1, 0);
}

static __always_inline void read_release(atomic_t *readers)
{
	atomic_dec(readers);
	gpufas_record_release(&readers->counter);
}

static __always_inline bool write_try(atomic_t *readers)
{
	return gpufas_recorded_try(atomic_cmpxchg(readers, NO_READERS, A_WRITER) == NO_READERS,
				   &readers->counter, A_WRITER - (1U << 31), 0);
}

static __always_inline void write_release(atomic_t *readers)
{
	atomic_set(readers, NO_READERS);
	gpufas_record_release(&readers->counter);
}

#define READ_ACQUIRE(lock) \
	gpufas_shared_acquire(lock, READ_ONCE(READERS(lock)->counter) < 0, read_try(READERS(lock)))
#define WRITE_FREE(lock) (READ_ONCE(READERS(lock)->counter) == NO_READERS)
#define WRITE_TRY(lock) write_try(READERS(lock))

void KERNEL(rt_read_lock)(rwlock_t *lock)
{
	READ_ACQUIRE(lock);
}

int KERNEL(rt_read_trylock)(rwlock_t *lock)
{
	return gpufas_shared_try(READ_ONCE(READERS(lock)->counter) < 0, read_try(READERS(lock)));
}

void KERNEL(rt_read_unlock)(rwlock_t *lock)
{
	gpufas_shared_release(read_release(READERS(lock)));
}

void KERNEL(rt_write_lock)(rwlock_t *lock)
{
	gpufas_shared_acquire(lock, WRITE_FREE(lock), WRITE_TRY(lock));
}

void KERNEL(rt_write_lock_nested)(rwlock_t *lock, int subclass)
{
	gpufas_shared_acquire(lock, WRITE_FREE(lock), WRITE_TRY(lock));
}

int KERNEL(rt_write_trylock)(rwlock_t *lock)
{
	return gpufas_shared_try(WRITE_FREE(lock), WRITE_TRY(lock));
}

void KERNEL(rt_write_unlock)(rwlock_t *lock)
{
	gpufas_shared_release(write_release(READERS(lock)));
}

#endif
