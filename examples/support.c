/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Have a running system do things to itself, through its in-kernel recovery
 * support (runtime/support/), which must be loaded there.
 *
 *	gpufas run support.fatbin signal --qmp SOCKET --pause never -- --pid 123 --signal KILL
 *	gpufas run support.fatbin status --qmp SOCKET --pause never
 *
 * See gpufas/support.h for what it can do, and docs/support.md for how.
 */
#include <gpufas/gpufas.h>
#include <gpufas/signal_names.h>
#include <gpufas/support.h>

/* Find the module, or say why not. */
static int find(struct gpufas_support *support)
{
	int error = gpufas_support_find(support);

	if (error == -ENODEV)
		gpufas_log("the module %s is not loaded\n", GPUFAS_SUPPORT_MODULE);
	else if (error)
		gpufas_log("the module's queue is corrupt, or of another version\n");
	return error;
}

/* Say what came of a request. */
static int report(const char *what, int status)
{
	if (status == -ETIMEDOUT)
		gpufas_log("%s: no answer; the system must run: --pause never\n", what);
	else if (status)
		gpufas_log("%s: error %d\n", what, status);
	else
		gpufas_log("%s: done\n", what);
	return status;
}

GPUFAS_ENTRY(status, "say what the in-kernel support has done")
{
	struct gpufas_support support;
	struct gpufas_support_counters *counters;
	int error = find(&support);
	u64 refused = 0;
	unsigned int i;

	if (error)
		return error;

	counters = &support.queue->counters;
	for (i = 0; i < GPUFAS_SUPPORT_REFUSALS; i++)
		refused += READ_ONCE(counters->refused[i]);
	gpufas_log("version %u, a look every %u us\n", support.queue->header.version,
		   support.queue->header.period_us);
	gpufas_log("served: %llu in hard interrupts, %llu in NMIs, %llu in a thread\n",
		   READ_ONCE(counters->served[GPUFAS_SUPPORT_IN_HARD_INTERRUPT]),
		   READ_ONCE(counters->served[GPUFAS_SUPPORT_IN_NMI]),
		   READ_ONCE(counters->served[GPUFAS_SUPPORT_IN_THREAD]));
	gpufas_log("refused: %llu\n", refused);
	return 0;
}

GPUFAS_ENTRY(signal, "have the kernel send a signal to a process", int, pid, const char *, signal)
{
	int sig = gpufas_parse_signal(signal);
	struct gpufas_support support;
	int error = find(&support);

	if (error)
		return error;
	if (sig < 0) {
		gpufas_log("no signal is called %s\n", signal);
		return sig;
	}
	return report(signal, gpufas_support_signal(&support, pid, sig, GPUFAS_SUPPORT_PROCESS));
}

GPUFAS_ENTRY(signal_thread, "have the kernel send a signal to one thread",
	     int, tid, const char *, signal)
{
	int sig = gpufas_parse_signal(signal);
	struct gpufas_support support;
	int error = find(&support);

	if (error)
		return error;
	if (sig < 0) {
		gpufas_log("no signal is called %s\n", signal);
		return sig;
	}
	return report(signal, gpufas_support_signal(&support, tid, sig, GPUFAS_SUPPORT_THREAD));
}

GPUFAS_ENTRY(wake, "have the kernel wake a thread", int, tid)
{
	struct gpufas_support support;
	int error = find(&support);
	u64 woken = 0;

	if (error)
		return error;
	error = report("wake", gpufas_support_wake(&support, tid, &woken));
	if (!error)
		gpufas_log("%d %s\n", tid, woken ? "slept" : "was awake");
	return error;
}

GPUFAS_ENTRY(unlock, "release a raw_spinlock_t that nobody else will release", u64, address)
{
	struct gpufas_support support;
	int error = find(&support);

	return error ? error : report("unlock", gpufas_support_unlock(&support, address));
}

/*
 * Where all CPUs have interrupts off, only an NMI is served: one that comes after this, as by QEMU's command
 * inject-nmi. The answer is looked for in another run, or shows in that CPUs go on.
 */
GPUFAS_ENTRY(leave_unlock, "leave a request to release a raw_spinlock_t, for an NMI that comes next",
	     u64, address)
{
	struct gpufas_support_request request = {
		.operation = GPUFAS_SUPPORT_UNLOCK, .cpu = GPUFAS_SUPPORT_ANY_CPU, .address = address,
	};
	struct gpufas_support support;
	int error = find(&support);

	if (!error)
		error = gpufas_support_submit(&support, &request);
	if (!error)
		gpufas_support_announce_nmis(&support, 1);
	return error;
}

GPUFAS_ENTRY(change, "change a word in one step, from one value to another",
	     u64, address, u32, width, u64, expected, u64, value)
{
	struct gpufas_support support;
	int error = find(&support);
	u64 old = 0;

	if (error)
		return error;
	error = report("change", gpufas_support_change(&support, address, width, expected, value, &old));
	gpufas_log("it was %llu\n", old);
	return error;
}

GPUFAS_ENTRY(interrupt, "have a CPU look whether it should schedule", u64, cpu)
{
	struct gpufas_support support;
	int error = find(&support);

	return error ? error : report("interrupt", gpufas_support_interrupt(&support, cpu,
									      GPUFAS_SUPPORT_RESCHEDULE));
}
