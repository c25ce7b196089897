// SPDX-License-Identifier: GPL-2.0
/*
 * Spinning locks: raw_spinlock_t, and without PREEMPT_RT spinlock_t and rwlock_t
 * (kernel/locking/spinlock.c), and what headers do to them inline.
 */
#include <gpufas/functions/locks.h>

#include <linux/spinlock.h>
#include <linux/bit_spinlock.h>

/* The lock word is 0 exactly if nobody has the lock or waits (kernel/locking/qspinlock.c). */
static __always_inline bool word_is_free(struct qspinlock *lock)
{
	return !READ_ONCE(lock->val.counter);
}

static __always_inline bool word_try(struct qspinlock *lock)
{
	return gpufas_recorded_try(atomic_cmpxchg(&lock->val, 0, _Q_LOCKED_VAL) == 0,
				   &lock->val.counter, _Q_LOCKED_VAL, _Q_LOCKED_MASK);
}

/* A hypervisor's own kind of lock has another value there if a waiter is to be kicked, which only the kernel can do. */
static __always_inline void word_release(struct qspinlock *lock)
{
	if (cmpxchg(&lock->locked, _Q_LOCKED_VAL, 0) != _Q_LOCKED_VAL)
		gpufas_lock_held(lock);
	gpufas_record_release(&lock->val.counter);
}

static __always_inline void word_acquire(struct qspinlock *lock)
{
	gpufas_acquire(lock, word_is_free(lock), word_try(lock));
}

#define RAW_ACQUIRE(lock)	word_acquire(&(lock)->raw_lock)
#define RAW_TRY(lock)		gpufas_try(word_is_free(&(lock)->raw_lock), word_try(&(lock)->raw_lock))
#define RAW_RELEASE(lock)	gpufas_release(word_release(&(lock)->raw_lock))

GPUFAS_LOCK_FORMS(_raw_spin_lock, raw_spinlock_t, RAW_ACQUIRE)
GPUFAS_UNLOCK_FORMS(_raw_spin_unlock, raw_spinlock_t, RAW_RELEASE)

void KERNEL(_raw_spin_lock_nested)(raw_spinlock_t *lock, int subclass)
{
	RAW_ACQUIRE(lock);
}

void KERNEL(_raw_spin_lock_bh_nested)(raw_spinlock_t *lock, int subclass)
{
	RAW_ACQUIRE(lock);
}

unsigned long KERNEL(_raw_spin_lock_irqsave_nested)(raw_spinlock_t *lock, int subclass)
{
	RAW_ACQUIRE(lock);
	return GPUFAS_INTERRUPTS_ON;
}

void KERNEL(_raw_spin_lock_nest_lock)(raw_spinlock_t *lock, struct lockdep_map *map)
{
	RAW_ACQUIRE(lock);
}

int KERNEL(_raw_spin_trylock)(raw_spinlock_t *lock)
{
	return RAW_TRY(lock);
}

int KERNEL(_raw_spin_trylock_bh)(raw_spinlock_t *lock)
{
	return RAW_TRY(lock);
}

/* The same where a header does it inline. */
void KERNEL(queued_spin_lock)(struct qspinlock *lock)
{
	word_acquire(lock);
}

void KERNEL(queued_spin_lock_slowpath)(struct qspinlock *lock, u32 value)
{
	word_acquire(lock);
}

int KERNEL(queued_spin_trylock)(struct qspinlock *lock)
{
	return gpufas_try(word_is_free(lock), word_try(lock));
}

void KERNEL(queued_spin_unlock)(struct qspinlock *lock)
{
	gpufas_release(word_release(lock));
}

/*
 * One bit of a word that has other uses (include/linux/bit_spinlock.h), as in
 * the lists of struct hlist_bl_head.
 */
static __always_inline bool bit_try(int bit, unsigned long *word)
{
	return gpufas_recorded_try(!test_and_set_bit_lock(bit, word), word, 1UL << bit, 1UL << bit);
}

static __always_inline void bit_acquire(int bit, unsigned long *word)
{
	gpufas_acquire(word, !test_bit(bit, word), bit_try(bit, word));
}

static __always_inline void bit_release(int bit, unsigned long *word)
{
	clear_bit_unlock(bit, word);
	gpufas_record_release(word);
}

void KERNEL(bit_spin_lock)(int bit, unsigned long *word)
{
	bit_acquire(bit, word);
}

int KERNEL(bit_spin_trylock)(int bit, unsigned long *word)
{
	return gpufas_try(!test_bit(bit, word), bit_try(bit, word));
}

void KERNEL(bit_spin_unlock)(int bit, unsigned long *word)
{
	gpufas_release(bit_release(bit, word));
}

void KERNEL(__bit_spin_unlock)(int bit, unsigned long *word)
{
	gpufas_release(bit_release(bit, word));
}
