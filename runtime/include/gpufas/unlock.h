/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Releasing a lock that whoever has it never releases.
 *
 * What the lock guards is then in whatever state it was left in. That is for
 * the one who decides to release it to know; gpufas/lock_waiters.h shows what
 * waiting costs. Nothing here takes a lock away from a task that is alive and
 * would release it: of locks that have an owner, only a dead one's are released.
 *
 * All this is meant for a paused system. Releasing a spinning lock is one plain
 * store, which whoever waits for it sees, with interrupts on or off.
 */
#ifndef _GPUFAS_UNLOCK_H
#define _GPUFAS_UNLOCK_H

#include <gpufas/lock_waiters.h>
#include <gpufas/wake.h>

#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/version.h>

/* kernel/locking/mutex.h */
#define GPUFAS_MUTEX_WAITERS	0x01
#define GPUFAS_MUTEX_HANDOFF	0x02
#define GPUFAS_MUTEX_PICKUP	0x04
#define GPUFAS_MUTEX_FLAGS	0x07

/* The value of a lock's byte that a hypervisor's kind of lock has if a waiter has to be kicked (qspinlock_paravirt.h). */
#define GPUFAS_Q_SLOW_VAL 3

/* An error of the functions here in words */
static inline const char *gpufas_unlock_error_text(int error)
{
	switch (error) {
	case -EALREADY:
		return "nobody has it";
	case -EBUSY:
		return "its owner is alive";
	case -EAGAIN:
		return "the kernel is at work on it";
	case -EINVAL:
		return "there is no such lock";
	case -EOPNOTSUPP:
		return "who waits for it cannot be woken from outside here";
	default:
		return "it cannot be released";
	}
}

/*
 * gpufas_release_queued - release a spinning lock
 *
 * queued_spin_unlock(): one byte. The first in the queue, or the one that is
 * next, takes the lock then.
 *
 * Returns 0, or with nothing written:
 * -EALREADY	it is free
 * -EINVAL	the word is none that a lock has
 * -EOPNOTSUPP	a waiter has to be kicked by the hypervisor: __pv_queued_spin_unlock_slowpath()
 */
static inline int gpufas_release_queued(struct qspinlock *lock)
{
	u32 word = atomic_read(&lock->val);

	if ((word & _Q_TAIL_MASK) && !gpufas_tail_node(word))
		return -EINVAL;

	if ((word & _Q_PENDING_MASK) > _Q_PENDING_VAL)
		return -EINVAL;

	switch (word & _Q_LOCKED_MASK) {
	case 0:
		return -EALREADY;
	case _Q_LOCKED_VAL:
		smp_store_release(&lock->locked, 0);
		return 0;
	case GPUFAS_Q_SLOW_VAL:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* gpufas_release_raw_spinlock - release a raw_spinlock_t; as gpufas_release_queued() */
static inline int gpufas_release_raw_spinlock(raw_spinlock_t *lock)
{
	return gpufas_release_queued(&lock->raw_lock);
}

/*
 * gpufas_owner_is_dead - whether a task that has a lock will never run again
 *
 * A task that is gone is in no list any more, and its memory may be another's.
 */
static inline bool gpufas_owner_is_dead(const struct task_struct *owner)
{
	struct task_struct *process, *thread;

	for_each_process_thread(process, thread)
		if (thread == owner)
			return thread->exit_state;

	return true;
}

#ifdef CONFIG_PREEMPT_RT

/*
 * gpufas_release_rt - release a lock of PREEMPT_RT that a task owns
 *
 * Nobody may wait for it: a waiter has lent its priority to the owner, which
 * only the kernel can take back (rt_mutex_dequeue_pi() and
 * rt_mutex_adjust_prio() in kernel/locking/rtmutex.c).
 *
 * Returns 0, or with nothing written:
 * -EALREADY	it is free
 * -EAGAIN	the kernel is at work on it
 * -EOPNOTSUPP	somebody waits for it
 */
#define gpufas_release_rt(base) ({						\
	typeof(base) gpufas_base = (base);					\
	unsigned long gpufas_owner = (unsigned long)READ_ONCE(gpufas_base->owner); \
	int gpufas_error = 0;							\
										\
	if (!gpufas_owner)							\
		gpufas_error = -EALREADY;					\
	else if (gpufas_owner & 1 || !RB_EMPTY_ROOT(&gpufas_base->waiters.rb_root)) \
		gpufas_error = -EOPNOTSUPP;					\
	else if (!gpufas_try_raw_lock(&gpufas_base->wait_lock))			\
		gpufas_error = -EAGAIN;						\
	if (!gpufas_error) {							\
		WRITE_ONCE(gpufas_base->owner, NULL);				\
		gpufas_raw_unlock(&gpufas_base->wait_lock);			\
	}									\
	gpufas_error;								\
})

/* gpufas_release_spinlock - release a spinlock_t; as gpufas_release_rt() */
static inline int gpufas_release_spinlock(spinlock_t *lock)
{
	return gpufas_release_rt(&lock->lock);
}

#else

/* gpufas_release_spinlock - release a spinlock_t; as gpufas_release_queued() */
static inline int gpufas_release_spinlock(spinlock_t *lock)
{
	return gpufas_release_queued(&lock->rlock.raw_lock);
}

/* kernel/locking/mutex.h, or include/linux/mutex.h: what is of use here */
struct gpufas_mutex_waiter {
	struct list_head list;
	struct task_struct *task;
};

/* It guards the list of waiters. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define gpufas_trylock_waiters(mutex) gpufas_try_lock(&(mutex)->wait_lock)
#define gpufas_unlock_waiters(mutex) gpufas_unlock(&(mutex)->wait_lock)
#else
#define gpufas_trylock_waiters(mutex) gpufas_try_raw_lock(&(mutex)->wait_lock)
#define gpufas_unlock_waiters(mutex) gpufas_raw_unlock(&(mutex)->wait_lock)
#endif

/* The first that waits for a mutex, NULL if nobody does */
static inline struct gpufas_mutex_waiter *gpufas_first_waiter(struct mutex *lock)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
	return (void *)READ_ONCE(lock->first_waiter);
#else
	return list_first_entry_or_null(&lock->wait_list, struct gpufas_mutex_waiter, list);
#endif
}

/* gpufas_mutex_owner - the task that has a mutex, which may be gone; NULL if none has */
static inline struct task_struct *gpufas_mutex_owner(struct mutex *lock)
{
	return (struct task_struct *)(atomic_long_read(&lock->owner) & ~GPUFAS_MUTEX_FLAGS);
}

/* gpufas_show_mutex - say who waits for a mutex, and for how long. Returns how many wait. */
static inline int gpufas_show_mutex(struct mutex *lock)
{
	struct gpufas_mutex_waiter *first = gpufas_first_waiter(lock), *waiter = first;
	int waiters = 0;

	while (waiter) {
		struct task_struct *task = waiter->task;

		gpufas_log("%d (%s) has waited for %llu ms\n", task->pid, task->comm,
			   gpufas_sleeping_ms(task));
		waiters++;

		waiter = list_next_entry(waiter, list);
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
		if (&waiter->list == &lock->wait_list)
			break;
#endif
		if (waiter == first)
			break;
	}

	return waiters;
}

/*
 * gpufas_release_mutex - release a mutex whose owner is dead
 *
 * As __mutex_unlock_slowpath() in kernel/locking/mutex.c: the lock is given up,
 * or handed to the first waiter if that has asked for it, and the first waiter
 * is woken.
 *
 * Returns 0, or with nothing written:
 * -EALREADY	nobody has it
 * -EBUSY	its owner is alive
 * -EAGAIN	the kernel is at work on it, or on the first waiter
 * -EOPNOTSUPP, -ENXIO	the first waiter cannot be woken: see gpufas_check_wake()
 */
static inline int gpufas_release_mutex(struct mutex *lock)
{
	unsigned long owner = atomic_long_read(&lock->owner);
	unsigned long flags = owner & GPUFAS_MUTEX_FLAGS;
	struct gpufas_mutex_waiter *waiter;
	int way = 0;

	if (!(owner & ~GPUFAS_MUTEX_FLAGS))
		return -EALREADY;

	/* The owner was handed the lock, and has not run since. */
	if (flags & GPUFAS_MUTEX_PICKUP)
		return -EAGAIN;

	if (!gpufas_owner_is_dead(gpufas_mutex_owner(lock)))
		return -EBUSY;

	if (!gpufas_trylock_waiters(lock))
		return -EAGAIN;

	waiter = gpufas_first_waiter(lock);
	if (waiter)
		way = gpufas_check_wake(waiter->task, TASK_NORMAL);
	if (way >= 0) {
		if (flags & GPUFAS_MUTEX_HANDOFF)
			owner = waiter ? (unsigned long)waiter->task | (flags & GPUFAS_MUTEX_WAITERS) |
					 GPUFAS_MUTEX_PICKUP : 0;
		else
			owner = flags;
		atomic_long_set(&lock->owner, owner);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
		/* __clear_task_blocked_on() */
		if (waiter && READ_ONCE(waiter->task->blocked_on) == lock)
			WRITE_ONCE(waiter->task->blocked_on, NULL);
#endif
		if (waiter)
			gpufas_wake_task(waiter->task, TASK_NORMAL);
	}
	gpufas_unlock_waiters(lock);
	return min(way, 0);
}

#endif /* !CONFIG_PREEMPT_RT */

#endif /* _GPUFAS_UNLOCK_H */
