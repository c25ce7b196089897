/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What it means to take a lock of the kernel's, as gpufas-cc --locks says.
 *
 * check: nothing is taken. The program runs while the guest is paused, so that a
 * lock that is free stays free; one that is held was caught with what it guards
 * in the middle of a change, and the program ends, to be run again later.
 * take: the lock is taken and released as the kernel does where nobody is in the
 * way, by the host's processor. A GPU's operations are not atomic against the
 * guest's CPUs, so that there it is an error.
 * refuse: taking a lock is an error.
 */
#ifndef _GPUFAS_LOCKS_H
#define _GPUFAS_LOCKS_H

#include <gpufas/functions/functions.h>

/* The runtime's: the lock at this address is held, so that the program ends. */
void gpufas_lock_held(const volatile void *lock) __noreturn;

/*
 * Also the runtime's: a lock is about to be taken, was taken by the program's last
 * store, or was released by it. If the program ends in between, what it wrote
 * there is taken back, and value is subtracted from the lock's word, of size
 * bytes, unless its bits of mask are no more those of value.
 */
void gpufas_lock_taking(const volatile void *word, unsigned int size);
void gpufas_lock_taken(const volatile void *word, unsigned int size, unsigned long long value,
		       unsigned long long mask);
void gpufas_lock_released(const volatile void *word, unsigned int size);

/* A try to take a lock, by one operation on its word, which is on record if it succeeds. */
#define gpufas_recorded_try(try, word, value, mask) ({				\
	bool gpufas_taken;							\
										\
	gpufas_lock_taking(word, sizeof(*(word)));				\
	gpufas_taken = (try);							\
	if (gpufas_taken)							\
		gpufas_lock_taken(word, sizeof(*(word)), value, mask);		\
	gpufas_taken;								\
})

/* Follows the operation that has released it. */
#define gpufas_record_release(word) gpufas_lock_released(word, sizeof(*(word)))

#if defined(GPUFAS_LOCKS_TAKE) && defined(GPUFAS_TARGET_CUDA)
void gpufas_locks_are_refused(void) __attribute__((error(
	"a lock of the kernel's cannot be taken from a GPU, whose operations are not atomic against CPUs; use --locks check, or --target host")));
#elif defined(GPUFAS_LOCKS_REFUSE)
void gpufas_locks_are_refused(void) __attribute__((error(
	"it takes a lock of the kernel's, which --locks refuse makes an error; use --locks check to see that it is free instead")));
#endif

/*
 * How long a lock is waited for before it is taken to be held: a virtual CPU that
 * holds it may itself wait for a processor, for some ticks of the host's. The clock
 * is looked at now and then.
 */
#define GPUFAS_LOCK_PATIENCE_NS	100000000ULL
#define GPUFAS_LOCK_TRIES	1000

unsigned long long gpufas_clock(void);

static __always_inline bool gpufas_lock_is_late(unsigned int tries, unsigned long long *start)
{
	if (tries % GPUFAS_LOCK_TRIES)
		return false;
	if (tries == GPUFAS_LOCK_TRIES)
		*start = gpufas_clock();
	return gpufas_clock() - *start > GPUFAS_LOCK_PATIENCE_NS;
}

/*
 * @free:	whether the lock could be had
 * @try:	takes it if it can be had, and says so
 * @release:	releases it
 * Only what the mode needs is evaluated. Looking first keeps a lock that is held
 * from being written to, so that the program can be run again.
 */
#if defined(GPUFAS_LOCKS_CHECK)

/* A marker: nobody may take the lock meanwhile, so that the guest is to be paused. */
void gpufas_lock_checked(void) __asm__("gpufas.lock_checked");

#define gpufas_acquire(lock, free, try) do {		\
	gpufas_lock_checked();				\
	if (!(free))					\
		gpufas_lock_held(lock);			\
} while (0)
#define gpufas_try(free, try)		({ gpufas_lock_checked(); !!(free); })
#define gpufas_release(release)		do { } while (0)

#elif defined(GPUFAS_LOCKS_TAKE) && defined(GPUFAS_TARGET_HOST)

#define gpufas_acquire(lock, free, try) do {		\
	unsigned long long start = 0;			\
	unsigned int tries = 0;				\
							\
	while (!((free) && (try)))			\
		if (gpufas_lock_is_late(++tries, &start))	\
			gpufas_lock_held(lock);		\
} while (0)
#define gpufas_try(free, try)		((free) && (try))
#define gpufas_release(release)		do { release; } while (0)

#else

#define gpufas_acquire(lock, free, try)	gpufas_locks_are_refused()
#define gpufas_try(free, try)		({ gpufas_locks_are_refused(); 0; })
#define gpufas_release(release)		gpufas_locks_are_refused()

#endif

/*
 * Locks that are shared by readers. With PREEMPT_RT their writers hold a second
 * lock and their waiters sleep (kernel/locking/rwbase_rt.c), so that nobody
 * outside can take or release one.
 */
#if defined(CONFIG_PREEMPT_RT) && defined(GPUFAS_LOCKS_TAKE) && defined(GPUFAS_TARGET_HOST)

void gpufas_shared_locks_are_refused(void) __attribute__((error(
	"a lock that readers share cannot be taken from outside on a PREEMPT_RT kernel, where its waiters sleep; use --locks check")));

#define gpufas_shared_acquire(lock, free, try)	gpufas_shared_locks_are_refused()
#define gpufas_shared_try(free, try)		({ gpufas_shared_locks_are_refused(); 0; })
#define gpufas_shared_release(release)		gpufas_shared_locks_are_refused()

#else

#define gpufas_shared_acquire(lock, free, try)	gpufas_acquire(lock, free, try)
#define gpufas_shared_try(free, try)		gpufas_try(free, try)
#define gpufas_shared_release(release)		gpufas_release(release)

#endif

/* X86_EFLAGS_IF and the bit that is always set: no interrupt reaches a program. */
#define GPUFAS_INTERRUPTS_ON 0x202UL

/* All forms of a lock with an argument, from the three things there are to do. */
#define GPUFAS_LOCK_FORMS(name, type, acquire)					\
	void KERNEL(name)(type *lock) { acquire(lock); }			\
	void KERNEL(name##_bh)(type *lock) { acquire(lock); }			\
	void KERNEL(name##_irq)(type *lock) { acquire(lock); }			\
	unsigned long KERNEL(name##_irqsave)(type *lock)			\
	{									\
		acquire(lock);							\
		return GPUFAS_INTERRUPTS_ON;					\
	}

#define GPUFAS_UNLOCK_FORMS(name, type, release)				\
	void KERNEL(name)(type *lock) { release(lock); }			\
	void KERNEL(name##_bh)(type *lock) { release(lock); }			\
	void KERNEL(name##_irq)(type *lock) { release(lock); }			\
	void KERNEL(name##_irqrestore)(type *lock, unsigned long flags) { release(lock); }

/*
 * Sleeping locks that a task owns (struct rt_mutex, and struct mutex with flags
 * in the low bits of the owner's address): free without an owner, waiters or a
 * hand-over. Whoever waits must be woken on release, which cannot be done from
 * outside.
 */
static __always_inline bool gpufas_owner_is_free(const volatile unsigned long *owner)
{
	return *owner == 0;
}

static __always_inline bool gpufas_owner_try(volatile unsigned long *owner, void *task)
{
	return gpufas_recorded_try(__sync_bool_compare_and_swap(owner, 0UL, (unsigned long)task),
				   owner, (unsigned long)task, ~7UL);
}

static __always_inline void gpufas_owner_release(volatile unsigned long *owner, void *task)
{
	if (!__sync_bool_compare_and_swap(owner, (unsigned long)task, 0UL))
		gpufas_lock_held(owner);
	gpufas_record_release(owner);
}

#endif /* _GPUFAS_LOCKS_H */
