// SPDX-License-Identifier: GPL-2.0
/*
 * The queue: memory that is written from outside at any time.
 *
 * Nothing in it is believed. Which request of a slot comes next is known here;
 * a request is copied before it is looked at; what the kernel counts is kept
 * here and only shown there.
 *
 * All CPUs look at all slots. The one that steps a slot's number on by
 * compare-and-exchange has taken its request, whatever context it is in: an NMI
 * that meets a half-served request finds it taken.
 */
#include "support.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/string.h>

/* Found from outside by its name. */
struct gpufas_support_queue *gpufas_support_queue;
EXPORT_SYMBOL(gpufas_support_queue);

/* The number of the last request that was taken out of each slot. */
static atomic64_t taken[GPUFAS_SUPPORT_SLOTS];

static atomic64_t served[GPUFAS_SUPPORT_CONTEXTS];
static atomic64_t refused[GPUFAS_SUPPORT_REFUSALS];
static atomic64_t nmis;
static u64 instance;

static void count_refusal(unsigned int reason)
{
	u64 count = atomic64_inc_return(&refused[reason]);

	WRITE_ONCE(gpufas_support_queue->counters.refused[reason], count);
}

static void answer(const struct gpufas_support_request *request, u64 sequence,
		   const struct gpufas_outcome *outcome, enum gpufas_support_context context)
{
	struct gpufas_support_answer *to =
		&gpufas_support_queue->answers[sequence % GPUFAS_SUPPORT_SLOTS];
	struct gpufas_support_answer answer = {
		.sequence = sequence,
		.status = outcome->status,
		.cpu = raw_smp_processor_id(),
		.value = outcome->value,
		.cookie = request->cookie,
		.context = context,
	};

	answer.checksum = GPUFAS_SUPPORT_CHECKSUM(&answer, instance);
	memcpy((void *)to + sizeof(to->sequence), (void *)&answer + sizeof(answer.sequence),
	       sizeof(answer) - sizeof(answer.sequence));
	smp_store_release(&to->sequence, sequence);
}

/* What is wrong with a request as such, whatever it asks for. */
static struct gpufas_outcome check(const struct gpufas_support_request *request)
{
	if (request->checksum != GPUFAS_SUPPORT_CHECKSUM(request, instance))
		return GPUFAS_REFUSED(-EBADMSG, GPUFAS_SUPPORT_BAD_CHECKSUM);

	if (request->size != sizeof(*request))
		return GPUFAS_REFUSED(-EMSGSIZE, GPUFAS_SUPPORT_BAD_SIZE);

	if (request->cpu != GPUFAS_SUPPORT_ANY_CPU &&
	    (request->cpu >= nr_cpu_ids || !cpu_online(request->cpu)))
		return GPUFAS_REFUSED(-ENXIO, GPUFAS_SUPPORT_BAD_CPU);

	return GPUFAS_DONE(0);
}

/* Whether a well-formed request is for this context and CPU. */
static bool is_ours(const struct gpufas_support_request *request,
		    enum gpufas_support_context context)
{
	/* What a thread does is done on no CPU in particular. */
	if (request->cpu != GPUFAS_SUPPORT_ANY_CPU && request->cpu != raw_smp_processor_id() &&
	    context != GPUFAS_SUPPORT_IN_THREAD)
		return false;

	switch (context) {
	case GPUFAS_SUPPORT_IN_NMI:
		return gpufas_is_nmi_safe(request->operation);
	case GPUFAS_SUPPORT_IN_HARD_INTERRUPT:
		/* What is heavy changes what a pause is there to keep still. */
		return gpufas_support_is_light(request->operation) ||
		       (!IS_ENABLED(CONFIG_PREEMPT_RT) && !gpufas_pause_is_asked_for());
	default:
		return !gpufas_support_is_light(request->operation);
	}
}

/* Look at a slot. Says whether there is something for the thread. */
static bool serve_slot(unsigned int slot, enum gpufas_support_context context)
{
	struct gpufas_support_request *from = &gpufas_support_queue->requests[slot];
	u64 last = atomic64_read(&taken[slot]), next = last + GPUFAS_SUPPORT_SLOTS;
	u64 sequence = smp_load_acquire(&from->sequence);
	struct gpufas_support_request request;
	struct gpufas_outcome outcome;

	if (likely(sequence == last))
		return false;

	if (sequence != next) {
		/*
		 * Another CPU may have taken it since: what was read as the last
		 * is then older. Otherwise it is no request; the slot is as it
		 * was before it.
		 */
		if (atomic64_read(&taken[slot]) == last && context != GPUFAS_SUPPORT_IN_NMI &&
		    cmpxchg(&from->sequence, sequence, last) == sequence)
			count_refusal(GPUFAS_SUPPORT_BAD_SEQUENCE);
		return false;
	}

	memcpy(&request, from, sizeof(request));
	/* It may be written once more meanwhile; what counts is the copy. */
	request.sequence = sequence;
	outcome = check(&request);
	if (!outcome.status && !is_ours(&request, context))
		return context == GPUFAS_SUPPORT_IN_HARD_INTERRUPT &&
		       is_ours(&request, GPUFAS_SUPPORT_IN_THREAD);

	if (atomic64_cmpxchg(&taken[slot], last, next) != last)
		return false;

	if (!outcome.status)
		outcome = gpufas_support_is_light(request.operation) ?
			gpufas_serve_light(&request) : gpufas_serve_heavy(&request);

	if (outcome.refusal >= 0) {
		count_refusal(outcome.refusal);
	} else {
		u64 count = atomic64_inc_return(&served[context]);

		WRITE_ONCE(gpufas_support_queue->counters.served[context], count);
	}
	answer(&request, next, &outcome, context);
	return false;
}

bool gpufas_queue_serve(enum gpufas_support_context context)
{
	bool heavy = false;
	unsigned int slot;

	for (slot = 0; slot < GPUFAS_SUPPORT_SLOTS; slot++)
		heavy |= serve_slot(slot, context);

	return heavy;
}

u64 gpufas_queue_announced_nmis(void)
{
	return READ_ONCE(gpufas_support_queue->sender.nmi);
}

void gpufas_queue_count_nmi(void)
{
	WRITE_ONCE(gpufas_support_queue->counters.nmis, atomic64_inc_return(&nmis));
}

void gpufas_queue_show_pause(u64 number)
{
	WRITE_ONCE(gpufas_support_queue->counters.pause, number);
}

int gpufas_queue_init(u32 period_us)
{
	struct gpufas_support_queue *queue =
		alloc_pages_exact(sizeof(*queue), GFP_KERNEL | __GFP_ZERO);
	unsigned int slot;

	if (!queue)
		return -ENOMEM;

	/* None shares a cache line with another. */
	BUILD_BUG_ON(sizeof(queue->header) != 64);
	BUILD_BUG_ON(sizeof(queue->requests[0]) != 64);
	BUILD_BUG_ON(sizeof(queue->answers[0]) != 64);

	/* The number of a slot counts as that of a request which was answered. */
	for (slot = 0; slot < GPUFAS_SUPPORT_SLOTS; slot++) {
		atomic64_set(&taken[slot], slot);
		queue->requests[slot].sequence = slot;
		queue->answers[slot].sequence = slot;
	}
	queue->sender.last = GPUFAS_SUPPORT_SLOTS - 1;

	get_random_bytes(&instance, sizeof(instance));
	queue->header.version = GPUFAS_SUPPORT_VERSION;
	queue->header.size = sizeof(*queue);
	queue->header.slots = GPUFAS_SUPPORT_SLOTS;
	queue->header.request_size = sizeof(queue->requests[0]);
	queue->header.answer_size = sizeof(queue->answers[0]);
	queue->header.period_us = period_us;
	queue->header.instance = instance;
	queue->header.magic = GPUFAS_SUPPORT_MAGIC;
	queue->header.checksum = GPUFAS_SUPPORT_CHECKSUM(&queue->header, 0);

	smp_store_release(&gpufas_support_queue, queue);
	return 0;
}

void gpufas_queue_exit(void)
{
	struct gpufas_support_queue *queue = gpufas_support_queue;

	/* Nobody may take it for a queue any more, nor what becomes of the memory. */
	WRITE_ONCE(gpufas_support_queue, NULL);
	memset(queue, 0, sizeof(*queue));
	free_pages_exact(queue, sizeof(*queue));
}
