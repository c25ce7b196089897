// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping locks for many readers or one writer: struct rw_semaphore
 * (kernel/locking/rwsem.c, rwbase_rt.c) and its per-CPU variety.
 */
#include <gpufas/functions/locks.h>

#include <linux/percpu-rwsem.h>
#include <linux/rwsem.h>
#include <linux/sched.h>

#ifdef CONFIG_PREEMPT_RT

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define READERS(lock) (&(lock)->rwbase.readers)
#else
#define READERS(lock) (&(lock)->readers)
#endif
/* READER_BIAS and WRITER_BIAS: readers are counted beside a bias that a writer takes away. */
#define NO_READERS	((int)(1U << 31))
#define A_WRITER	(1 << 30)

#define READ_FREE(lock)		(READ_ONCE(READERS(lock)->counter) < 0)
#define WRITE_FREE(lock)	(READ_ONCE(READERS(lock)->counter) == NO_READERS)
#define WRITE_TRY(lock)							\
	gpufas_recorded_try(atomic_cmpxchg(READERS(lock), NO_READERS, A_WRITER) == NO_READERS, \
			    &READERS(lock)->counter, A_WRITER - (1U << 31), 0)

static __always_inline bool read_try(struct rw_semaphore *lock)
{
	int count = READ_ONCE(READERS(lock)->counter);

	return count < 0 &&
	       gpufas_recorded_try(atomic_cmpxchg(READERS(lock), count, count + 1) == count,
				   &READERS(lock)->counter, 1, 0);
}

static __always_inline void read_release(struct rw_semaphore *lock)
{
	atomic_dec(READERS(lock));
	gpufas_record_release(&READERS(lock)->counter);
}

static __always_inline void write_release(struct rw_semaphore *lock)
{
	atomic_set(READERS(lock), NO_READERS);
	gpufas_record_release(&READERS(lock)->counter);
}

#else

/* RWSEM_WRITER_LOCKED, _FLAG_WAITERS, _FLAG_HANDOFF and _FLAG_READFAIL, and RWSEM_READER_BIAS. */
#define WRITER		1L
#define WAITERS		2L
#define READ_FAILED	(WRITER | WAITERS | 4L | 1L << 63)
#define A_READER	(1L << 8)

#define READ_FREE(lock)		(!(READ_ONCE((lock)->count.counter) & READ_FAILED))
#define WRITE_FREE(lock)	(READ_ONCE((lock)->count.counter) == 0)
#define WRITE_TRY(lock)							\
	gpufas_recorded_try(atomic_long_cmpxchg(&(lock)->count, 0, WRITER) == 0, \
			    &(lock)->count.counter, WRITER, WRITER)

static __always_inline bool read_try(struct rw_semaphore *lock)
{
	long count = READ_ONCE((lock)->count.counter);

	return !(count & READ_FAILED) &&
	       gpufas_recorded_try(atomic_long_cmpxchg(&lock->count, count, count + A_READER) == count,
				   &lock->count.counter, A_READER, 0);
}

/* Whoever waits would have to be woken. */
static __always_inline void read_release(struct rw_semaphore *lock)
{
	if (READ_ONCE(lock->count.counter) & WAITERS)
		gpufas_lock_held(lock);
	atomic_long_sub(A_READER, &lock->count);
	gpufas_record_release(&lock->count.counter);
}

static __always_inline void write_release(struct rw_semaphore *lock)
{
	if (atomic_long_cmpxchg(&lock->count, WRITER, 0) != WRITER)
		gpufas_lock_held(lock);
	gpufas_record_release(&lock->count.counter);
}

#endif

static __always_inline void read_acquire(struct rw_semaphore *lock)
{
	gpufas_shared_acquire(lock, READ_FREE(lock), read_try(lock));
}

static __always_inline void write_acquire(struct rw_semaphore *lock)
{
	gpufas_shared_acquire(lock, WRITE_FREE(lock), WRITE_TRY(lock));
}

void KERNEL(down_read)(struct rw_semaphore *lock)
{
	read_acquire(lock);
}

int KERNEL(down_read_interruptible)(struct rw_semaphore *lock)
{
	read_acquire(lock);
	return 0;
}

int KERNEL(down_read_killable)(struct rw_semaphore *lock)
{
	read_acquire(lock);
	return 0;
}

int KERNEL(down_read_trylock)(struct rw_semaphore *lock)
{
	return gpufas_shared_try(READ_FREE(lock), read_try(lock));
}

void KERNEL(up_read)(struct rw_semaphore *lock)
{
	gpufas_shared_release(read_release(lock));
}

void KERNEL(down_write)(struct rw_semaphore *lock)
{
	write_acquire(lock);
}

int KERNEL(down_write_killable)(struct rw_semaphore *lock)
{
	write_acquire(lock);
	return 0;
}

int KERNEL(down_write_trylock)(struct rw_semaphore *lock)
{
	return gpufas_shared_try(WRITE_FREE(lock), WRITE_TRY(lock));
}

void KERNEL(up_write)(struct rw_semaphore *lock)
{
	gpufas_shared_release(write_release(lock));
}

/* Of code that was compiled without the functions below, a reader comes here only if a writer has the lock or wants it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
bool KERNEL(__percpu_down_read)(struct percpu_rw_semaphore *lock, bool try, bool freezable)
#else
bool KERNEL(__percpu_down_read)(struct percpu_rw_semaphore *lock, bool try)
#endif
{
	if (try)
		return false;
	gpufas_lock_held(lock);
}

/*
 * Readers count on their own CPU, by inline functions, and a writer who comes
 * says so in block. Whoever waits for the readers to go would have to be woken.
 */
#define PERCPU_FREE(lock)	(!atomic_read(&(lock)->block))

static __maybe_unused bool percpu_try(struct percpu_rw_semaphore *lock)
{
	unsigned int *count = this_cpu_ptr(lock->read_count);

	(void)gpufas_recorded_try(({ this_cpu_inc(*lock->read_count); true; }), count, 1, 0);
	smp_mb();
	if (PERCPU_FREE(lock))
		return true;
	this_cpu_dec(*lock->read_count);
	gpufas_record_release(count);
	return false;
}

static __maybe_unused void percpu_release(struct percpu_rw_semaphore *lock)
{
	unsigned int *count = this_cpu_ptr(lock->read_count);

	smp_mb();
	this_cpu_dec(*lock->read_count);
	gpufas_record_release(count);
	if (rcuwait_active(&lock->writer))
		gpufas_lock_held(lock);
}

KERNEL_FUNCTION(percpu_down_read);
void KERNEL(percpu_down_read)(struct percpu_rw_semaphore *lock)
{
	gpufas_acquire(lock, PERCPU_FREE(lock), percpu_try(lock));
}

/* What percpu_down_read() and percpu_down_read_freezable() have in common. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
KERNEL_FUNCTION(percpu_down_read_internal);
void KERNEL(percpu_down_read_internal)(struct percpu_rw_semaphore *lock, bool freezable)
{
	gpufas_acquire(lock, PERCPU_FREE(lock), percpu_try(lock));
}
#endif

KERNEL_FUNCTION(percpu_down_read_trylock);
bool KERNEL(percpu_down_read_trylock)(struct percpu_rw_semaphore *lock)
{
	return gpufas_try(PERCPU_FREE(lock), percpu_try(lock));
}

KERNEL_FUNCTION(percpu_up_read);
void KERNEL(percpu_up_read)(struct percpu_rw_semaphore *lock)
{
	gpufas_release(percpu_release(lock));
}
