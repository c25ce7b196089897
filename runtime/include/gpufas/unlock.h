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
#include <gpufas/rbtree.h>
#include <gpufas/task.h>
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
 * Once it has told its parent (exit_notify()), a task still frees what it has, and
 * may take and release locks for that, until do_task_dead(). A task that is gone is
 * in no list any more, and its memory may be another's; but one that nobody waits
 * for leaves the lists before it has come to its end (release_task()).
 */
static inline bool gpufas_owner_is_dead(struct task_struct *owner)
{
	struct task_struct *process, *thread;
	bool has_ended = READ_ONCE(gpufas_task_state(owner)) & TASK_DEAD;

	for_each_process_thread(process, thread)
		if (thread == owner)
			return owner->exit_state && has_ended;

	return has_ended || !(owner->flags & PF_EXITING) ||
	       (owner->exit_state != EXIT_DEAD && owner->exit_state != EXIT_TRACE);
}

#ifdef CONFIG_PREEMPT_RT

/* An rt_mutex without what only lock debugging needs: spinlock_t and struct mutex have one (linux/rtmutex.h). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define gpufas_rt_mutex rt_mutex_base
#define gpufas_rt_of_mutex(mutex) (&(mutex)->rtmutex)
#else
#define gpufas_rt_mutex rt_mutex
#define gpufas_rt_of_mutex(mutex) (&(mutex)->lock)
#endif

/* kernel/locking/rtmutex_common.h: on the stack of whoever waits */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
struct gpufas_copy_of_kernel rt_waiter_node {
	struct rb_node entry;
	int prio;
	u64 deadline;
};

struct gpufas_copy_of_kernel rt_mutex_waiter {
	struct rt_waiter_node tree;
	struct rt_waiter_node pi_tree;
	struct task_struct *task;
	struct rt_mutex_base *lock;
	unsigned int wake_state;
	struct ww_acquire_ctx *ww_ctx;
};
#define gpufas_rt_waiter(node) rb_entry(node, struct rt_mutex_waiter, tree.entry)
#define gpufas_rt_lender(node) rb_entry(node, struct rt_mutex_waiter, pi_tree.entry)
#define gpufas_rt_lending(waiter) (&(waiter)->pi_tree.entry)
#define gpufas_rt_wake_state(waiter) READ_ONCE((waiter)->wake_state)
#else
struct gpufas_copy_of_kernel rt_mutex_waiter {
	struct rb_node tree_entry;
	struct rb_node pi_tree_entry;
	struct task_struct *task;
	struct rt_mutex *lock;
	int prio;
	bool savestate;
	u64 deadline;
};
#define gpufas_rt_waiter(node) rb_entry(node, struct rt_mutex_waiter, tree_entry)
#define gpufas_rt_lender(node) rb_entry(node, struct rt_mutex_waiter, pi_tree_entry)
#define gpufas_rt_lending(waiter) (&(waiter)->pi_tree_entry)
/* wake_up_lock_sleeper(), wake_up_process() */
#define gpufas_rt_wake_state(waiter) ((waiter)->savestate ? TASK_UNINTERRUPTIBLE : TASK_NORMAL)
#endif

/* The bit of an rt_mutex's owner that says that somebody waits. */
#define GPUFAS_RT_MUTEX_HAS_WAITERS 1UL

/* gpufas_show_rt - say who waits for an rt_mutex, and for how long, the first first. Returns how many wait. */
static inline int gpufas_show_rt(struct gpufas_rt_mutex *lock)
{
	struct rb_node *node;
	int waiters = 0;

	for (node = lock->waiters.rb_leftmost; node; node = gpufas_rb_next(node)) {
		gpufas_show_sleeping(gpufas_rt_waiter(node)->task);
		waiters++;
	}

	return waiters;
}

/*
 * rt_mutex_dequeue_pi() of a waiter that has lent its priority to a dead task. What
 * that task's priority is does not matter any more; but nothing may lead from
 * there to the waiter, whose place on a stack will be something else's.
 */
static inline void gpufas_take_back_lent(struct task_struct *owner, struct rt_mutex_waiter *waiter)
{
	struct rb_node *node = gpufas_rt_lending(waiter);
	struct rb_root_cached *lenders = &owner->pi_waiters;

	if (lenders->rb_leftmost == node)
		WRITE_ONCE(lenders->rb_leftmost, gpufas_rb_next(node));
	__rb_erase_augmented(node, &lenders->rb_root, &gpufas_rb_callbacks);
	RB_CLEAR_NODE(node);
	WRITE_ONCE(owner->pi_top_task, lenders->rb_leftmost ?
					       gpufas_rt_lender(lenders->rb_leftmost)->task : NULL);
}

/*
 * mark_wakeup_next_waiter() for a dead owner: the lock is nobody's, and the first
 * that waits for it is woken, to take it. Its wait_lock is held.
 */
static inline int gpufas_hand_on_rt(struct gpufas_rt_mutex *lock, struct task_struct *owner)
{
	struct rt_mutex_waiter *waiter = gpufas_rt_waiter(lock->waiters.rb_leftmost);
	struct rb_node *lending = gpufas_rt_lending(waiter);
	/* If not, the owner's memory has become something else. */
	bool has_lent = gpufas_rb_contains(&owner->pi_waiters.rb_root, lending);
	unsigned int state = gpufas_rt_wake_state(waiter);
	int way;

	if (has_lent && !gpufas_rb_erases_easily(lending))
		return -EOPNOTSUPP;

	if (has_lent && !gpufas_try_raw_lock(&owner->pi_lock))
		return -EAGAIN;

	/* First, since it may fail. Who is woken waits for wait_lock. */
	way = gpufas_wake_task(waiter->task, state);
	if (way >= 0) {
		WRITE_ONCE(lock->owner, (void *)GPUFAS_RT_MUTEX_HAS_WAITERS);
		if (has_lent)
			gpufas_take_back_lent(owner, waiter);
		else
			RB_CLEAR_NODE(lending);
	}
	if (has_lent)
		gpufas_raw_unlock(&owner->pi_lock);
	return min(way, 0);
}

/*
 * gpufas_release_rt - release an rt_mutex whose owner is dead
 *
 * Who waits has lent its priority to the owner, in whose tree of those who lend it
 * stands besides. The first is taken out of that and woken.
 *
 * Returns 0, or with nothing written:
 * -EALREADY	nobody has it
 * -EBUSY	its owner is alive
 * -EAGAIN	the kernel is at work on it, or on the first waiter
 * -EOPNOTSUPP, -ENXIO	the first waiter cannot be woken (see gpufas_check_wake()), or the owner has
 *		died with several such locks, and its tree would have to be balanced
 */
static inline int gpufas_release_rt(struct gpufas_rt_mutex *lock)
{
	unsigned long word = (unsigned long)READ_ONCE(lock->owner);
	struct task_struct *owner = (struct task_struct *)(word & ~GPUFAS_RT_MUTEX_HAS_WAITERS);
	int error = 0;

	if (!word)
		return -EALREADY;

	/* It is free, and the first that waits is about to take it. */
	if (word == GPUFAS_RT_MUTEX_HAS_WAITERS)
		return -EAGAIN;

	if (!gpufas_owner_is_dead(owner))
		return -EBUSY;

	/* It guards the tree of waiters, and the bit that says that there are any. */
	if (!gpufas_try_raw_lock(&lock->wait_lock))
		return -EAGAIN;

	if (!RB_EMPTY_ROOT(&lock->waiters.rb_root))
		error = gpufas_hand_on_rt(lock, owner);
	else
		WRITE_ONCE(lock->owner, NULL);
	gpufas_raw_unlock(&lock->wait_lock);
	return error;
}

/* gpufas_show_spinlock - say who waits for a spinlock_t; as gpufas_show_rt() */
static inline int gpufas_show_spinlock(spinlock_t *lock)
{
	return gpufas_show_rt(&lock->lock);
}

/* gpufas_release_spinlock - release a spinlock_t; as gpufas_release_rt() */
static inline int gpufas_release_spinlock(spinlock_t *lock)
{
	return gpufas_release_rt(&lock->lock);
}

/* gpufas_show_mutex - say who waits for a mutex; as gpufas_show_rt() */
static inline int gpufas_show_mutex(struct mutex *lock)
{
	return gpufas_show_rt(gpufas_rt_of_mutex(lock));
}

/* gpufas_release_mutex - release a mutex; as gpufas_release_rt() */
static inline int gpufas_release_mutex(struct mutex *lock)
{
	return gpufas_release_rt(gpufas_rt_of_mutex(lock));
}

#else

/* gpufas_show_spinlock - say who waits for a spinlock_t; as gpufas_show_spinning() */
static inline int gpufas_show_spinlock(spinlock_t *lock)
{
	return gpufas_show_spinning(&lock->rlock.raw_lock);
}

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
		gpufas_show_sleeping(waiter->task);
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
	/* First, since it may fail in a system that runs on. Who is woken waits for wait_lock. */
	if (waiter && way >= 0)
		way = gpufas_wake_task(waiter->task, TASK_NORMAL);
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
	}
	gpufas_unlock_waiters(lock);
	return min(way, 0);
}

#endif /* !CONFIG_PREEMPT_RT */

#endif /* _GPUFAS_UNLOCK_H */
