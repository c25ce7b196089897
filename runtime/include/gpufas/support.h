/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ask the in-kernel recovery support (runtime/support/) to do what cannot be done
 * from outside: change a word in one step, take a lock, call the kernel's own
 * functions. docs/support.md says where each request is served, and how fast.
 *
 *	struct gpufas_support support;
 *	int error = gpufas_support_find(&support);
 *
 *	if (!error)
 *		error = gpufas_support_signal(&support, pid, SIGKILL, GPUFAS_SUPPORT_PROCESS);
 *
 * The failing system must run meanwhile: gpufas run --pause never. One program
 * at a time asks; of its requests as many as there are slots can wait at once,
 * with gpufas_support_submit() and gpufas_support_wait().
 */
#ifndef _GPUFAS_SUPPORT_H
#define _GPUFAS_SUPPORT_H

#include <gpufas/support_protocol.h>

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time64.h>

#include <asm/barrier.h>

/* Where the module's queue is. */
struct gpufas_support {
	struct gpufas_support_queue *queue;
	u64 instance;	/* of the module, when it was found */
};

/*
 * The runtime's: what the program writes to these bytes is acted upon at once, so
 * that it is not taken back if the program ends in a critical section.
 */
void gpufas_stores_are_kept(const volatile void *first, unsigned int size);

/* How long an answer is waited for. */
#define GPUFAS_SUPPORT_PATIENCE_MS	10000

/* All modules, kernel/module.c or kernel/module/main.c; static before 5.19. */
extern struct list_head gpufas_modules __asm__("*:modules");

/* Most modules and exported symbols that are looked at. */
#define GPUFAS_SUPPORT_MODULES		4096
#define GPUFAS_SUPPORT_EXPORTS		64

/*
 * An entry of a module's table of exported symbols, struct kernel_symbol in
 * kernel/module/internal.h and linux/export.h: how far from each member what it
 * means is (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS, which x86-64 always has).
 */
struct gpufas_exported_symbol {
	int value;
	int name;
	int namespace;
};

/* The exported symbol of a module, NULL if it has none of that name. */
static inline void *gpufas_exported(const struct module *module, const char *name)
{
	const struct gpufas_exported_symbol *symbols = (const void *)module->syms;
	unsigned int count = module->num_syms, i;

	for (i = 0; i < count && i < GPUFAS_SUPPORT_EXPORTS; i++) {
		const char *its_name = (const char *)&symbols[i].name + symbols[i].name;

		if (strcmp(its_name, name) == 0)
			return (void *)&symbols[i].value + symbols[i].value;
	}
	return NULL;
}

/*
 * gpufas_support_is_there - whether what was found is still the same module's queue
 *
 * The module clears its queue before it frees it.
 */
static inline bool gpufas_support_is_there(const struct gpufas_support *support)
{
	const struct gpufas_support_header *header = &support->queue->header;

	return READ_ONCE(header->magic) == GPUFAS_SUPPORT_MAGIC &&
	       READ_ONCE(header->instance) == support->instance;
}

/*
 * gpufas_support_find - find the module's queue
 *
 * Return: 0; -ENODEV if the module is not loaded; -EPROTO if it has another
 * version, or the head of its queue is corrupt.
 */
static inline int gpufas_support_find(struct gpufas_support *support)
{
	struct gpufas_support_queue **symbol = NULL;
	struct gpufas_support_header header;
	unsigned int seen = 0;
	struct module *module;

	list_for_each_entry(module, &gpufas_modules, list) {
		if (strcmp(module->name, GPUFAS_SUPPORT_MODULE) == 0 &&
		    module->state == MODULE_STATE_LIVE) {
			symbol = gpufas_exported(module, GPUFAS_SUPPORT_SYMBOL);
			break;
		}
		if (++seen == GPUFAS_SUPPORT_MODULES)
			break;
	}

	support->queue = symbol ? READ_ONCE(*symbol) : NULL;
	if (!support->queue)
		return -ENODEV;

	header = support->queue->header;
	support->instance = header.instance;
	if (header.magic != GPUFAS_SUPPORT_MAGIC || header.version != GPUFAS_SUPPORT_VERSION ||
	    header.size != sizeof(struct gpufas_support_queue) ||
	    header.slots != GPUFAS_SUPPORT_SLOTS ||
	    header.checksum != GPUFAS_SUPPORT_CHECKSUM(&header, 0))
		return -EPROTO;

	gpufas_stores_are_kept(support->queue, sizeof(*support->queue));
	return 0;
}

/*
 * gpufas_support_submit - leave a request, and do not wait for its answer
 * @request:	operation, cpu, width, address, expected, value and cookie are the
 *		caller's; the rest is filled in here
 *
 * Return: 0, and the request's sequence is what its answer is found by; -EBUSY
 * while the slot that is next has an older request in it; -ENODEV if the module
 * is gone.
 */
static inline int gpufas_support_submit(const struct gpufas_support *support,
					struct gpufas_support_request *request)
{
	struct gpufas_support_queue *queue = support->queue;
	u64 sequence = READ_ONCE(queue->sender.last) + 1;
	struct gpufas_support_request *slot;
	unsigned int seen;

	if (!gpufas_support_is_there(support))
		return -ENODEV;

	/* A program that ended at the wrong moment left a request without its number being noted. */
	for (seen = 0; seen < GPUFAS_SUPPORT_SLOTS; seen++, sequence++) {
		slot = &queue->requests[sequence % GPUFAS_SUPPORT_SLOTS];
		if (READ_ONCE(slot->sequence) != sequence)
			break;
	}
	/* If the note itself is wrong: slots fill in the order of their numbers, so that the least is the next one's. */
	if (READ_ONCE(slot->sequence) != sequence - GPUFAS_SUPPORT_SLOTS) {
		sequence = U64_MAX;
		for (seen = 0; seen < GPUFAS_SUPPORT_SLOTS; seen++)
			sequence = min(sequence, READ_ONCE(queue->requests[seen].sequence));
		sequence += GPUFAS_SUPPORT_SLOTS;
		slot = &queue->requests[sequence % GPUFAS_SUPPORT_SLOTS];
	}
	if (READ_ONCE(slot->sequence) != sequence - GPUFAS_SUPPORT_SLOTS ||
	    READ_ONCE(queue->answers[sequence % GPUFAS_SUPPORT_SLOTS].sequence) !=
	    sequence - GPUFAS_SUPPORT_SLOTS)
		return -EBUSY;

	request->sequence = sequence;
	request->size = sizeof(*request);
	request->checksum = GPUFAS_SUPPORT_CHECKSUM(request, support->instance);

	WRITE_ONCE(slot->operation, request->operation);
	WRITE_ONCE(slot->size, request->size);
	WRITE_ONCE(slot->cpu, request->cpu);
	WRITE_ONCE(slot->width, request->width);
	WRITE_ONCE(slot->address, request->address);
	WRITE_ONCE(slot->expected, request->expected);
	WRITE_ONCE(slot->value, request->value);
	WRITE_ONCE(slot->cookie, request->cookie);
	WRITE_ONCE(slot->checksum, request->checksum);
	/* From here on it is there. Its number is noted last: without that the next program finds it. */
	smp_wmb();
	WRITE_ONCE(slot->sequence, sequence);
	smp_wmb();
	WRITE_ONCE(queue->sender.last, sequence);
	return 0;
}

/* Whether a request was answered. */
static inline bool gpufas_support_is_answered(const struct gpufas_support *support, u64 sequence)
{
	unsigned int slot = sequence % GPUFAS_SUPPORT_SLOTS;

	return READ_ONCE(support->queue->answers[slot].sequence) == sequence;
}

/*
 * Make a request one that is refused, if nobody has taken it yet: a lock that is taken when
 * nobody is there to release it, or a pause for nobody, does more harm than good.
 */
static inline void gpufas_support_withdraw(const struct gpufas_support *support,
					   const struct gpufas_support_request *request)
{
	unsigned int slot = request->sequence % GPUFAS_SUPPORT_SLOTS;

	if (request->operation != GPUFAS_SUPPORT_LOCK && request->operation != GPUFAS_SUPPORT_PAUSE)
		return;

	WRITE_ONCE(support->queue->requests[slot].checksum, ~request->checksum);
	smp_mb();
}

/*
 * gpufas_support_wait - wait for the answer to a request
 * @request:	as gpufas_support_submit() left it
 * @answer:	filled in on success
 *
 * The last GPUFAS_SUPPORT_SLOTS requests can be waited for, in any order.
 *
 * Return: 0; -ETIMEDOUT if there is none in time, and the request is still to
 * be served, but for one of a lock or a pause, which is withdrawn; -ENODEV if the
 * module is gone; -EPROTO if the answer is corrupt or not this request's.
 */
static inline int gpufas_support_wait(const struct gpufas_support *support,
				      const struct gpufas_support_request *request,
				      struct gpufas_support_answer *answer)
{
	u64 sequence = request->sequence;
	struct gpufas_support_answer *from =
		&support->queue->answers[sequence % GPUFAS_SUPPORT_SLOTS];
	u64 start = gpufas_clock();

	while (!gpufas_support_is_answered(support, sequence)) {
		if (!gpufas_support_is_there(support))
			return -ENODEV;
		if (gpufas_clock() - start > GPUFAS_SUPPORT_PATIENCE_MS * NSEC_PER_MSEC) {
			gpufas_support_withdraw(support, request);
			if (gpufas_support_is_answered(support, sequence))
				break;
			return -ETIMEDOUT;
		}
	}
	smp_rmb();
	*answer = *from;
	if (answer->sequence != sequence || answer->cookie != request->cookie ||
	    answer->checksum != GPUFAS_SUPPORT_CHECKSUM(answer, support->instance))
		return -EPROTO;

	return 0;
}

/*
 * gpufas_support_ask - leave a request and wait for its answer
 * @value:	where the answer's value goes, whatever the status; may be NULL
 *
 * Return: the answer's status, or an error of gpufas_support_submit() or
 * gpufas_support_wait().
 *
 * One copy for all requests: ptxas takes six times as long over a copy for each.
 */
static noinline __maybe_unused int
gpufas_support_ask(const struct gpufas_support *support,
		   struct gpufas_support_request *request, u64 *value)
{
	struct gpufas_support_answer answer;
	int error = gpufas_support_submit(support, request);

	if (!error)
		error = gpufas_support_wait(support, request, &answer);
	if (error)
		return error;

	if (value)
		*value = answer.value;
	return answer.status;
}

/* A request that any CPU may serve. */
#define GPUFAS_SUPPORT_REQUEST(...)						\
	(&(struct gpufas_support_request){ .cpu = GPUFAS_SUPPORT_ANY_CPU, __VA_ARGS__ })

/* gpufas_support_read - read a word of 1, 2, 4 or 8 bytes; -EFAULT if it cannot be */
static inline int gpufas_support_read(const struct gpufas_support *support, u64 address,
				      u32 width, u64 *value)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_READ, .address = address, .width = width), value);
}

/*
 * gpufas_support_change - change a word from one value to another in one step
 * @old:	the word before; may be NULL
 *
 * Return: 0; -EAGAIN if it had another value, and still has; -EFAULT or -EACCES if
 * it cannot be written.
 */
static inline int gpufas_support_change(const struct gpufas_support *support, u64 address,
					u32 width, u64 expected, u64 value, u64 *old)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_CHANGE, .address = address, .width = width,
		.expected = expected, .value = value), old);
}

/*
 * gpufas_support_lock - take a raw_spinlock_t, or a spinlock_t without PREEMPT_RT
 * @tries:	how often, GPUFAS_SUPPORT_MAX_TRIES at most
 *
 * Nobody's preemption count tells of it. It is to be released with
 * gpufas_support_unlock(), soon: CPUs may spin for it with interrupts off.
 *
 * Return: 0, or -EBUSY if others have it.
 */
static inline int gpufas_support_lock(const struct gpufas_support *support, u64 lock, u64 tries)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_LOCK, .address = lock, .value = tries), NULL);
}

/*
 * gpufas_support_unlock - release a raw_spinlock_t, or a spinlock_t without PREEMPT_RT
 *
 * Whoever holds it: it is for locks that nobody will release any more.
 *
 * Return: 0, or -ENOLCK if it is not held.
 */
static inline int gpufas_support_unlock(const struct gpufas_support *support, u64 lock)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_UNLOCK, .address = lock), NULL);
}

/* gpufas_support_interrupt - send a CPU an interrupt that the kernel knows; -ENXIO if it is off line */
static inline int gpufas_support_interrupt(const struct gpufas_support *support, u64 cpu,
					   enum gpufas_support_interrupt which)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_INTERRUPT, .value = cpu, .width = which), NULL);
}

/*
 * gpufas_support_wake - wake_up_process() of a thread
 *
 * Return: 0; -ESRCH if there is no such thread. @woken says whether it slept: a
 * sleep that no signal ends is ended too.
 */
static inline int gpufas_support_wake(const struct gpufas_support *support, u64 pid, u64 *woken)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_WAKE, .value = pid), woken);
}

/*
 * gpufas_support_signal - send a signal as the kernel itself does
 *
 * Return: 0; -ESRCH if there is no such thread; -EPERM for the first process and
 * kernel threads.
 */
static inline int gpufas_support_signal(const struct gpufas_support *support, u64 pid, u64 sig,
					enum gpufas_support_receiver receiver)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_SIGNAL, .value = pid, .expected = sig,
		.width = receiver), NULL);
}

/* Who a task is: its memory may become another's at any time in a system that runs on. */
struct gpufas_support_identity {
	u64 pid, start_time;
};

/* gpufas_support_identify - who a task is, to be asked before it is looked at */
static inline struct gpufas_support_identity gpufas_support_identify(const struct task_struct *task)
{
	return (struct gpufas_support_identity){ READ_ONCE(task->pid), READ_ONCE(task->start_time) };
}

/* gpufas_support_is - whether a task is still who it was, once it was looked at */
static inline bool gpufas_support_is(const struct task_struct *task,
				     const struct gpufas_support_identity *who)
{
	smp_rmb();
	return READ_ONCE(task->pid) == who->pid && READ_ONCE(task->start_time) == who->start_time;
}

/*
 * gpufas_support_signal_to - the same, to a task that was looked at
 *
 * Return: -ESRCH as well if its pid has become another's meanwhile.
 */
static inline int gpufas_support_signal_to(const struct gpufas_support *support,
					   const struct gpufas_support_identity *who, u64 sig,
					   enum gpufas_support_receiver receiver)
{
	return gpufas_support_ask(support, GPUFAS_SUPPORT_REQUEST(
		.operation = GPUFAS_SUPPORT_SIGNAL, .value = who->pid, .address = who->start_time,
		.expected = sig, .width = receiver), NULL);
}

/*
 * gpufas_support_announce_nmis - say that NMIs are about to be sent for the module
 * @count:	how many CPUs will take one
 *
 * Without it the kernel complains of NMIs that nobody knows. One that does not come
 * within GPUFAS_SUPPORT_NMI_PATIENCE_S is announced no more, so that the next one
 * that nobody knows, which may tell of an error, is complained of.
 */
static inline void gpufas_support_announce_nmis(const struct gpufas_support *support, u64 count)
{
	u64 *nmi = &support->queue->sender.nmi;

	WRITE_ONCE(*nmi, READ_ONCE(*nmi) + count);
}

#endif /* _GPUFAS_SUPPORT_H */
