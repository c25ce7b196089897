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
	static const struct {
		char name[8];
		int number;
	} names[] = {
		{ "HUP", SIGHUP },	 { "INT", SIGINT },	  { "QUIT", SIGQUIT },	 { "ILL", SIGILL },
		{ "TRAP", SIGTRAP },	 { "ABRT", SIGABRT },	  { "BUS", SIGBUS },	 { "FPE", SIGFPE },
		{ "KILL", SIGKILL },	 { "USR1", SIGUSR1 },	  { "SEGV", SIGSEGV },	 { "USR2", SIGUSR2 },
		{ "PIPE", SIGPIPE },	 { "ALRM", SIGALRM },	  { "TERM", SIGTERM },	 { "STKFLT", SIGSTKFLT },
		{ "CHLD", SIGCHLD },	 { "CONT", SIGCONT },	  { "STOP", SIGSTOP },	 { "TSTP", SIGTSTP },
		{ "TTIN", SIGTTIN },	 { "TTOU", SIGTTOU },	  { "URG", SIGURG },	 { "XCPU", SIGXCPU },
		{ "XFSZ", SIGXFSZ },	 { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },	 { "WINCH", SIGWINCH },
		{ "IO", SIGIO },	 { "PWR", SIGPWR },	  { "SYS", SIGSYS },
	};
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
