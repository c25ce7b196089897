/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the in-kernel recovery support and those that ask it for something
 * must agree on: the memory in which requests and answers lie.
 *
 * The module (runtime/support/) and recovery programs (gpufas/support.h) include
 * this. docs/support.md has the protocol in words.
 */
#ifndef _GPUFAS_SUPPORT_PROTOCOL_H
#define _GPUFAS_SUPPORT_PROTOCOL_H

#include <linux/types.h>

#define GPUFAS_SUPPORT_MAGIC	0x5452505055534147ULL	/* "GASUPPRT" */
#define GPUFAS_SUPPORT_VERSION	3

/* The module's name, and the pointer to struct gpufas_support_queue that it exports. */
#define GPUFAS_SUPPORT_MODULE	"gpufas_support"
#define GPUFAS_SUPPORT_SYMBOL	"gpufas_support_queue"

/* Slots for requests, and as many for answers: a power of two. */
#define GPUFAS_SUPPORT_SLOTS	64

/* No CPU in particular. */
#define GPUFAS_SUPPORT_ANY_CPU	0xffffffffU

/*
 * What can be asked for. Light requests are served in hard interrupt context or
 * by an NMI, heavy ones where signals may be sent.
 */
enum gpufas_support_operation {
	GPUFAS_SUPPORT_READ = 1,	/* a word: width, address; gives the word */
	GPUFAS_SUPPORT_CHANGE = 2,	/* width, address, expected, value; gives the old word */
	GPUFAS_SUPPORT_LOCK = 3,	/* a raw_spinlock_t: address, value (tries) */
	GPUFAS_SUPPORT_UNLOCK = 4,	/* the same: address */
	GPUFAS_SUPPORT_INTERRUPT = 5,	/* value (CPU), width (which interrupt) */
	GPUFAS_SUPPORT_PAUSE = 6,	/* value (microseconds at most); gives the pause's number once all CPUs stand */
	GPUFAS_SUPPORT_RESUME = 7,	/* value (number) */
	GPUFAS_SUPPORT_WAKE = 16,	/* value (pid), address (start) */
	GPUFAS_SUPPORT_SIGNAL = 17,	/* value (pid), address (start), expected (signal), width (to whom) */
};

/* GPUFAS_SUPPORT_INTERRUPT: which. */
enum gpufas_support_interrupt {
	GPUFAS_SUPPORT_RESCHEDULE = 1,		/* RESCHEDULE_VECTOR */
	GPUFAS_SUPPORT_CALL_FUNCTION = 2,	/* CALL_FUNCTION_SINGLE_VECTOR */
	GPUFAS_SUPPORT_NMI = 3,			/* for a look at the queue on a CPU that has interrupts off */
};

/*
 * Heavy requests name a task by its pid and by when it was started (start_time of
 * struct task_struct): a pid may be another's by the time that they are served,
 * which is -ESRCH then. Where it is 0, the pid alone counts.
 */

/* GPUFAS_SUPPORT_SIGNAL: to whom. */
enum gpufas_support_receiver {
	GPUFAS_SUPPORT_THREAD = 1,	/* one thread, task->pending */
	GPUFAS_SUPPORT_PROCESS = 2,	/* a thread group, signal->shared_pending */
};

/* Tries of GPUFAS_SUPPORT_LOCK at most: interrupts are off meanwhile. */
#define GPUFAS_SUPPORT_MAX_TRIES	10000

/*
 * A pause's length at most, in microseconds, from when the first CPU stands: less
 * than any watchdog of the kernel's waits.
 */
#define GPUFAS_SUPPORT_MAX_PAUSE_US	1000000

/* For how long an NMI that was announced is waited for, in seconds, by CPUs that take interrupts. */
#define GPUFAS_SUPPORT_NMI_PATIENCE_S	60

/* Where a request was served. */
enum gpufas_support_context {
	GPUFAS_SUPPORT_IN_HARD_INTERRUPT = 0,
	GPUFAS_SUPPORT_IN_NMI = 1,
	GPUFAS_SUPPORT_IN_THREAD = 2,	/* with PREEMPT_RT, what takes locks that sleep there */
	GPUFAS_SUPPORT_CONTEXTS
};

/* Why requests were refused: one counter each. */
enum gpufas_support_refusal {
	GPUFAS_SUPPORT_BAD_SEQUENCE = 0,	/* not the next of its slot; gets no answer */
	GPUFAS_SUPPORT_BAD_CHECKSUM = 1,	/* -EBADMSG */
	GPUFAS_SUPPORT_BAD_OPERATION = 2,	/* -EOPNOTSUPP */
	GPUFAS_SUPPORT_BAD_SIZE = 3,		/* -EMSGSIZE: of the request; -EINVAL: of a word, or another value */
	GPUFAS_SUPPORT_BAD_ADDRESS = 4,		/* -EFAULT; -EACCES: may not be written */
	GPUFAS_SUPPORT_BAD_ALIGNMENT = 5,	/* -EADDRNOTAVAIL */
	GPUFAS_SUPPORT_BAD_CPU = 6,		/* -ENXIO: there is none, or it is off line */
	GPUFAS_SUPPORT_REFUSALS
};

/* What never changes while the module is loaded. */
struct gpufas_support_header {
	__u64	magic;
	__u32	version;
	__u32	size;			/* of struct gpufas_support_queue */
	__u32	slots;
	__u32	request_size;
	__u32	answer_size;
	__u32	period_us;		/* each CPU looks for requests so often, in microseconds */
	__u64	instance;		/* another number each time the module is loaded */
	__u64	reserved[2];
	__u64	checksum;		/* of everything before */
};

/* What whoever asks may write beside requests. The module takes nothing in it for granted. */
struct gpufas_support_sender {
	/*
	 * The sequence number of the last request. The first request after the
	 * module was loaded has the number GPUFAS_SUPPORT_SLOTS.
	 */
	__u64	last;
	/*
	 * How many NMIs were announced in all, each before it is sent: as many that
	 * nobody else knows are taken to be for the module.
	 */
	__u64	nmi;
	__u64	reserved[6];
};

/* What the module counts, for whoever wants to know. */
struct gpufas_support_counters {
	__u64	served[8];	/* by enum gpufas_support_context */
	__u64	refused[8];	/* by enum gpufas_support_refusal */
	__u64	nmis;		/* NMIs that were taken to be for the module, on all CPUs */
	__u64	pause;		/* the number of the pause that is in force, 0 if none is */
	__u64	reserved[6];
};

struct gpufas_support_request {
	/*
	 * Written last. A request lies in slot sequence % slots, and no slot is
	 * skipped: the slot's next request has a number that is greater by the
	 * number of slots. A slot is free once its answer has the number of its
	 * request.
	 */
	__u64	sequence;
	__u32	operation;
	__u32	size;		/* of this structure */
	__u32	cpu;		/* the CPU that is to serve it, or GPUFAS_SUPPORT_ANY_CPU */
	__u32	width;
	__u64	address;
	__u64	expected;
	__u64	value;
	__u64	cookie;		/* chosen freely; the answer has it too */
	__u64	checksum;	/* of everything before, for the module's instance */
};

struct gpufas_support_answer {
	__u64	sequence;	/* written last */
	__s32	status;		/* 0, or a negative errno */
	__u32	cpu;		/* which served it */
	__u64	value;
	__u64	cookie;
	__u32	context;	/* enum gpufas_support_context */
	__u32	reserved0;
	__u64	reserved1[2];
	__u64	checksum;	/* of everything before, for the module's instance */
};

/* Page-aligned and physically contiguous, in the direct map. */
struct gpufas_support_queue {
	struct gpufas_support_header	header;
	struct gpufas_support_sender	sender;
	struct gpufas_support_counters	counters;
	struct gpufas_support_request	requests[GPUFAS_SUPPORT_SLOTS];
	struct gpufas_support_answer	answers[GPUFAS_SUPPORT_SLOTS];
};

/* Whether a request is a light one. */
static inline bool gpufas_support_is_light(__u32 operation)
{
	return operation < GPUFAS_SUPPORT_WAKE;
}

/* A checksum of 64-bit words: FNV-1a with words in place of bytes, so that the order matters. */
static inline __u64 gpufas_support_checksum(const __u64 *words, unsigned int count, __u64 instance)
{
	__u64 sum = 0xcbf29ce484222325ULL ^ instance;
	unsigned int i;

	for (i = 0; i < count; i++) {
		sum = (sum ^ words[i]) * 0x100000001b3ULL;
		sum ^= sum >> 29;
	}
	return sum;
}

/* The checksum that a structure of this protocol should have in its last word. */
#define GPUFAS_SUPPORT_CHECKSUM(structure, instance)					\
	gpufas_support_checksum((const __u64 *)(structure),				\
				sizeof(*(structure)) / sizeof(__u64) - 1, instance)

#endif /* _GPUFAS_SUPPORT_PROTOCOL_H */
