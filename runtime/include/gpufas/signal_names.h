/* SPDX-License-Identifier: GPL-2.0 */
/* Signals by name, as people write them on a command line. */
#ifndef _GPUFAS_SIGNAL_NAMES_H
#define _GPUFAS_SIGNAL_NAMES_H

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/signal.h>
#include <linux/string.h>

/*
 * gpufas_parse_signal - the number of a signal that is written "KILL", "SIGKILL" or "9"
 *
 * -EINVAL if there is no such signal.
 */
static inline int gpufas_parse_signal(const char *text)
{
#define GPUFAS_SIGNAL(name) { #name, SIG##name }
	static const struct {
		char name[8];
		int number;
	} names[] = {
		GPUFAS_SIGNAL(HUP),	GPUFAS_SIGNAL(INT),	GPUFAS_SIGNAL(QUIT),
		GPUFAS_SIGNAL(ILL),	GPUFAS_SIGNAL(TRAP),	GPUFAS_SIGNAL(ABRT),
		GPUFAS_SIGNAL(BUS),	GPUFAS_SIGNAL(FPE),	GPUFAS_SIGNAL(KILL),
		GPUFAS_SIGNAL(USR1),	GPUFAS_SIGNAL(SEGV),	GPUFAS_SIGNAL(USR2),
		GPUFAS_SIGNAL(PIPE),	GPUFAS_SIGNAL(ALRM),	GPUFAS_SIGNAL(TERM),
		GPUFAS_SIGNAL(STKFLT),	GPUFAS_SIGNAL(CHLD),	GPUFAS_SIGNAL(CONT),
		GPUFAS_SIGNAL(STOP),	GPUFAS_SIGNAL(TSTP),	GPUFAS_SIGNAL(TTIN),
		GPUFAS_SIGNAL(TTOU),	GPUFAS_SIGNAL(URG),	GPUFAS_SIGNAL(XCPU),
		GPUFAS_SIGNAL(XFSZ),	GPUFAS_SIGNAL(VTALRM),	GPUFAS_SIGNAL(PROF),
		GPUFAS_SIGNAL(WINCH),	GPUFAS_SIGNAL(IO),	GPUFAS_SIGNAL(PWR),
		GPUFAS_SIGNAL(SYS),
	};
#undef GPUFAS_SIGNAL
	int i, number = 0;

	if (text[0] >= '0' && text[0] <= '9') {
		for (; *text >= '0' && *text <= '9' && number <= _NSIG; text++)
			number = 10 * number + (*text - '0');
		return !*text && number <= _NSIG ? number : -EINVAL;
	}

	if (strncmp(text, "SIG", 3) == 0)
		text += 3;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i].name) == 0)
			return names[i].number;

	return -EINVAL;
}

#endif /* _GPUFAS_SIGNAL_NAMES_H */
