// SPDX-License-Identifier: GPL-2.0
/* Locks for many readers or one writer that spin: rwlock_t without PREEMPT_RT (kernel/locking/qrwlock.c). */
#include <gpufas/functions/locks.h>

#include <linux/atomic.h>
#include <linux/spinlock.h>

#ifndef CONFIG_PREEMPT_RT

/* The low bits of the count are a writer's, who has the lock or waits for it; from _QR_BIAS on readers are counted. */
static __always_inline bool read_is_free(struct qrwlock *lock)
{
	return !(READ_ONCE(lock->cnts.counter) & (_QR_BIAS - 1));
}

static __always_inline bool read_try(struct qrwlock *lock)
{
	int count = READ_ONCE(lock->cnts.counter);

	return !(count & (_QR_BIAS - 1)) &&
	       gpufas_recorded_try(atomic_cmpxchg(&lock->cnts, count, count + _QR_BIAS) == count,
				   &lock->cnts.counter, _QR_BIAS, 0);
}

static __always_inline bool write_is_free(struct qrwlock *lock)
{
	return !READ_ONCE(lock->cnts.counter);
}

static __always_inline bool write_try(struct qrwlock *lock)
{
	return gpufas_recorded_try(atomic_cmpxchg(&lock->cnts, 0, _QW_LOCKED) == 0,
				   &lock->cnts.counter, _QW_LOCKED, _QW_LOCKED);
}

static __always_inline void release(struct qrwlock *lock, int value)
{
	atomic_sub(value, &lock->cnts);
	gpufas_record_release(&lock->cnts.counter);
}

static __always_inline void read_acquire(struct qrwlock *lock)
{
	gpufas_acquire(lock, read_is_free(lock), read_try(lock));
}

static __always_inline void write_acquire(struct qrwlock *lock)
{
	gpufas_acquire(lock, write_is_free(lock), write_try(lock));
}

#define READ_ACQUIRE(lock)	read_acquire(&(lock)->raw_lock)
#define READ_RELEASE(lock)	gpufas_release(release(&(lock)->raw_lock, _QR_BIAS))
#define WRITE_ACQUIRE(lock)	write_acquire(&(lock)->raw_lock)
#define WRITE_RELEASE(lock)	gpufas_release(release(&(lock)->raw_lock, _QW_LOCKED))

GPUFAS_LOCK_FORMS(_raw_read_lock, rwlock_t, READ_ACQUIRE)
GPUFAS_LOCK_FORMS(_raw_write_lock, rwlock_t, WRITE_ACQUIRE)
GPUFAS_UNLOCK_FORMS(_raw_read_unlock, rwlock_t, READ_RELEASE)
GPUFAS_UNLOCK_FORMS(_raw_write_unlock, rwlock_t, WRITE_RELEASE)

void KERNEL(_raw_write_lock_nested)(rwlock_t *lock, int subclass)
{
	WRITE_ACQUIRE(lock);
}

int KERNEL(_raw_read_trylock)(rwlock_t *lock)
{
	return gpufas_try(read_is_free(&lock->raw_lock), read_try(&lock->raw_lock));
}

int KERNEL(_raw_write_trylock)(rwlock_t *lock)
{
	return gpufas_try(write_is_free(&lock->raw_lock), write_try(&lock->raw_lock));
}

/* The same where a header does it inline. */
void KERNEL(queued_read_lock)(struct qrwlock *lock)
{
	read_acquire(lock);
}

void KERNEL(queued_write_lock)(struct qrwlock *lock)
{
	write_acquire(lock);
}

/* A reader has counted itself by then. */
void KERNEL(queued_read_lock_slowpath)(struct qrwlock *lock)
{
	gpufas_lock_held(lock);
}

void KERNEL(queued_write_lock_slowpath)(struct qrwlock *lock)
{
	write_acquire(lock);
}

int KERNEL(queued_read_trylock)(struct qrwlock *lock)
{
	return gpufas_try(read_is_free(lock), read_try(lock));
}

int KERNEL(queued_write_trylock)(struct qrwlock *lock)
{
	return gpufas_try(write_is_free(lock), write_try(lock));
}

void KERNEL(queued_read_unlock)(struct qrwlock *lock)
{
	gpufas_release(release(lock, _QR_BIAS));
}

void KERNEL(queued_write_unlock)(struct qrwlock *lock)
{
	gpufas_release(release(lock, _QW_LOCKED));
}

#endif
