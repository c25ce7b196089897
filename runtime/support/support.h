/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the in-kernel recovery support have in common. */
#ifndef _GPUFAS_SUPPORT_H
#define _GPUFAS_SUPPORT_H

#include <gpufas/support_protocol.h>

#include <linux/types.h>

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* queue.c: the memory, and which requests in it were taken */

int gpufas_queue_init(u32 period_us);
void gpufas_queue_exit(void);

/*
 * Serve what waits, in this context on this CPU. Says whether requests wait that
 * this context may not serve, but the thread may.
 */
bool gpufas_queue_serve(enum gpufas_support_context context);

/* How many NMIs the sender has announced in all. It may be anything. */
u64 gpufas_queue_announced_nmis(void);
/* One more NMI was taken to be for the module. */
void gpufas_queue_count_nmi(void);

/* Show which pause is in force, 0 if none is. */
void gpufas_queue_show_pause(u64 number);

/* The value of an answer, or why there is none. */
struct gpufas_outcome {
	int status;
	int refusal;	/* enum gpufas_support_refusal, -1 if the request was well formed */
	u64 value;
};

#define GPUFAS_DONE(result)		((struct gpufas_outcome){ 0, -1, result })
#define GPUFAS_FAILED(error, result)	((struct gpufas_outcome){ error, -1, result })
#define GPUFAS_REFUSED(error, reason)	((struct gpufas_outcome){ error, reason, 0 })

/* light.c, heavy.c: what requests ask for. The request is a copy that nobody else can change. */

struct gpufas_outcome gpufas_serve_light(const struct gpufas_support_request *request);
struct gpufas_outcome gpufas_serve_heavy(const struct gpufas_support_request *request);

/* Whether an operation may be done in an NMI. */
bool gpufas_is_nmi_safe(u32 operation);

/* address.c: words at addresses that may be anything */

struct gpufas_outcome gpufas_check_word(u64 address, u32 width, bool write);
int gpufas_read_word(u64 address, u32 width, u64 *value);
int gpufas_change_word(u64 address, u32 width, u64 expected, u64 new, u64 *old);

/* poll.c: interrupts of our own on each CPU, and what they cannot do themselves */

int gpufas_poll_init(u32 period_us);
void gpufas_poll_exit(void);

/* pause.c: all CPUs stand for a moment */

void gpufas_pause_init(u32 period_us);
struct gpufas_outcome gpufas_pause(const struct gpufas_support_request *request);
struct gpufas_outcome gpufas_resume(const struct gpufas_support_request *request);
/* Whether a pause is asked for, or in force. */
bool gpufas_pause_is_asked_for(void);
/* Stand, as long as there is a pause. In a hard interrupt of the CPU's own. */
void gpufas_pause_stand(void);

/* nmi.c */

int gpufas_nmi_init(void);
/* Give up NMIs that were announced and have not come. In a hard interrupt. */
void gpufas_nmi_look(void);
/* Send an NMI to another CPU, or this one. Not in an NMI. */
void gpufas_nmi_send(unsigned int cpu);
void gpufas_nmi_exit(void);

#endif /* _GPUFAS_SUPPORT_H */
