// SPDX-License-Identifier: GPL-2.0
/* Arithmetic with times (kernel/time/time.c, kernel/time/hrtimer.c). Which time it is, see docs/meaning.md. */
#include <gpufas/functions/functions.h>

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time.h>

KERNEL_FUNCTION(jiffies_to_msecs);
unsigned int KERNEL(jiffies_to_msecs)(const unsigned long j)
{
	return (u64)j * MSEC_PER_SEC / HZ;
}

KERNEL_FUNCTION(jiffies_to_usecs);
unsigned int KERNEL(jiffies_to_usecs)(const unsigned long j)
{
	return (u64)j * USEC_PER_SEC / HZ;
}

/* Rounded up: what is waited for has come by then. */
unsigned long KERNEL(__msecs_to_jiffies)(const unsigned int m)
{
	if ((int)m < 0)
		return MAX_JIFFY_OFFSET;
	return ((u64)m * HZ + MSEC_PER_SEC - 1) / MSEC_PER_SEC;
}

unsigned long KERNEL(__usecs_to_jiffies)(const unsigned int u)
{
	return ((u64)u * HZ + USEC_PER_SEC - 1) / USEC_PER_SEC;
}

KERNEL_FUNCTION(nsecs_to_jiffies64);
u64 KERNEL(nsecs_to_jiffies64)(u64 n)
{
	return n / (NSEC_PER_SEC / HZ);
}

KERNEL_FUNCTION(nsecs_to_jiffies);
unsigned long KERNEL(nsecs_to_jiffies)(u64 n)
{
	return n / (NSEC_PER_SEC / HZ);
}

KERNEL_FUNCTION(ns_to_timespec64);
struct timespec64 KERNEL(ns_to_timespec64)(s64 nsec)
{
	s64 seconds = nsec / NSEC_PER_SEC, rest = nsec % NSEC_PER_SEC;

	if (rest < 0) {
		seconds--;
		rest += NSEC_PER_SEC;
	}
	return (struct timespec64){ .tv_sec = seconds, .tv_nsec = rest };
}

KERNEL_FUNCTION(set_normalized_timespec64);
void KERNEL(set_normalized_timespec64)(struct timespec64 *time, time64_t sec, s64 nsec)
{
	struct timespec64 rest = KERNEL(ns_to_timespec64)(nsec);

	time->tv_sec = sec + rest.tv_sec;
	time->tv_nsec = rest.tv_nsec;
}

KERNEL_FUNCTION(ktime_add_safe);
ktime_t KERNEL(ktime_add_safe)(const ktime_t one, const ktime_t other)
{
	ktime_t sum = (u64)one + (u64)other;

	return sum < 0 || sum < one || sum < other ? KTIME_SEC_MAX * NSEC_PER_SEC : sum;
}
