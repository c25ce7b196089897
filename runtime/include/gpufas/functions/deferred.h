/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is to be done when no reader is left that has seen something (call_rcu()).
 *
 * The only reader of the program's own memory is the program itself, which may
 * go on to use what it has handed over until its read-side critical section
 * ends. Where that is cannot be seen, but in an allocation that may
 * sleep it has: then, if memory is short, it is done. What is not done until the
 * program ends is not done.
 */
#ifndef _GPUFAS_DEFERRED_H
#define _GPUFAS_DEFERRED_H

#include <gpufas/functions/arena.h>

#include <linux/rcupdate.h>

/* A callback below this is the offset of the head in what is to be freed, as in kernel/rcu/tiny.c. */
#define LARGEST_OFFSET	4096

static struct rcu_head *first_deferred, *last_deferred;

/* Nobody outside knows what the running kernel's readers have seen. */
static __always_inline void check_is_own(const void *memory)
{
	if ((long)memory < 0)
		gpufas_not_allocated(memory);
}

static void defer(struct rcu_head *head, rcu_callback_t callback)
{
	head->func = callback;
	head->next = NULL;
	if (first_deferred)
		last_deferred->next = head;
	else
		first_deferred = head;
	last_deferred = head;
}

/* Does what has been deferred until now; whether there was anything. */
static noinline bool do_deferred(void)
{
	struct rcu_head *head = first_deferred, *next;
	bool any = head;

	first_deferred = NULL;
	for (; head; head = next) {
		unsigned long offset = (unsigned long)head->func;

		next = head->next;
		if (offset >= LARGEST_OFFSET)
			head->func(head);
		else if (!arena_give((char *)head - offset))
			gpufas_not_allocated((char *)head - offset);
	}
	return any;
}

#endif /* _GPUFAS_DEFERRED_H */
