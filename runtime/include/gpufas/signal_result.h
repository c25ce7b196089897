/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of a signal: what gpufas_send_signal() of gpufas/signal.h returns.
 */
#ifndef _GPUFAS_SIGNAL_RESULT_H
#define _GPUFAS_SIGNAL_RESULT_H

#include <linux/errno.h>

/* What became of a signal that could be sent. */
enum gpufas_signal_result {
	/* Pending, and a thread takes it at its next step: it is awake, or was woken. */
	GPUFAS_SIGNAL_DELIVERED,
	/* Pending, but every thread that could take it is asleep, and none can be woken. */
	GPUFAS_SIGNAL_ASLEEP,
	/* Pending, but every thread blocks it, is stopped, or has other signals to take first. */
	GPUFAS_SIGNAL_PENDING,
	/* Dropped: the same signal is pending already, and a legacy signal is not counted. */
	GPUFAS_SIGNAL_ALREADY_PENDING,
	/* Dropped: the process ignores it, or may not get it (init). */
	GPUFAS_SIGNAL_IGNORED,
	/* SIGCONT, otherwise ignored, has set going a process that was stopped. */
	GPUFAS_SIGNAL_CONTINUED,
	/* Dropped: the process is dying anyway. */
	GPUFAS_SIGNAL_DYING,
};

/* A result, or an error, of gpufas_send_signal() in words */
static inline const char *gpufas_signal_result_text(int result)
{
	switch (result) {
	case GPUFAS_SIGNAL_DELIVERED:
		return "delivered";
	case GPUFAS_SIGNAL_ASLEEP:
		return "pending until the process wakes up";
	case GPUFAS_SIGNAL_PENDING:
		return "pending until the process can take it";
	case GPUFAS_SIGNAL_ALREADY_PENDING:
		return "was pending already";
	case GPUFAS_SIGNAL_IGNORED:
		return "ignored by the process";
	case GPUFAS_SIGNAL_CONTINUED:
		return "delivered, the process goes on";
	case GPUFAS_SIGNAL_DYING:
		return "dropped, the process is dying";
	case -EAGAIN:
		return "not sent, the kernel is at work on the process";
	case -ESRCH:
		return "not sent, the process is gone";
	case -EINVAL:
		return "not sent, no such signal";
	case -EOPNOTSUPP:
		return "not sent, stopped threads cannot be woken from outside here";
	case -ENXIO:
		return "not sent, the process's CPU is offline";
	default:
		return "not sent";
	}
}

#endif /* _GPUFAS_SIGNAL_RESULT_H */
