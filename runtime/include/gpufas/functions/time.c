// SPDX-License-Identifier: GPL-2.0
/* Arithmetic with times (kernel/time/time.c, kernel/time/hrtimer.c). Which time it is, see docs/meaning.md. */
#include <gpufas/functions/functions.h>

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time.h>

/* So many of a unit, of which a second has so many: jiffies times what each has, without an overflow on the way. */
#define FROM_JIFFIES(j, of_a_second, round)					\
	((u64)(j) / HZ * (of_a_second) + round((u64)(j) % HZ * (of_a_second), HZ))

#define DOWN(number, by) ((number) / (by))

KERNEL_FUNCTION(jiffies_to_msecs);
unsigned int KERNEL(jiffies_to_msecs)(const unsigned long j)
{
	return FROM_JIFFIES(j, MSEC_PER_SEC, DIV_ROUND_UP);
}

KERNEL_FUNCTION(jiffies_to_usecs);
unsigned int KERNEL(jiffies_to_usecs)(const unsigned long j)
{
	return FROM_JIFFIES(j, USEC_PER_SEC, DOWN);
}

KERNEL_FUNCTION(jiffies64_to_msecs);
u64 KERNEL(jiffies64_to_msecs)(const u64 j)
{
	return FROM_JIFFIES(j, MSEC_PER_SEC, DOWN);
}

KERNEL_FUNCTION(jiffies64_to_nsecs);
u64 KERNEL(jiffies64_to_nsecs)(u64 j)
{
	return FROM_JIFFIES(j, NSEC_PER_SEC, DOWN);
}

/* Rounded up: what is waited for has come by then. */
unsigned long KERNEL(__msecs_to_jiffies)(const unsigned int m)
{
	if ((int)m < 0)
		return MAX_JIFFY_OFFSET;
	return ((u64)m * HZ + MSEC_PER_SEC - 1) / MSEC_PER_SEC;
}

/* The kernel compares with what is left in 32 bits of the greatest offset. */
unsigned long KERNEL(__usecs_to_jiffies)(const unsigned int u)
{
	if (u > KERNEL(jiffies_to_usecs)(MAX_JIFFY_OFFSET))
		return MAX_JIFFY_OFFSET;
	return ((u64)u * HZ + USEC_PER_SEC - 1) / USEC_PER_SEC;
}

/* Ticks of the clock that user programs know. */
KERNEL_FUNCTION(jiffies_to_clock_t);
clock_t KERNEL(jiffies_to_clock_t)(unsigned long j)
{
#if HZ % USER_HZ == 0
	return j / (HZ / USER_HZ);
#else
	return (u64)j * TICK_NSEC / (NSEC_PER_SEC / USER_HZ);
#endif
}

KERNEL_FUNCTION(nsec_to_clock_t);
u64 KERNEL(nsec_to_clock_t)(u64 n)
{
	return n / (NSEC_PER_SEC / USER_HZ);
}

KERNEL_FUNCTION(jiffies_to_timespec64);
void KERNEL(jiffies_to_timespec64)(const unsigned long j, struct timespec64 *time)
{
	u64 nsec = (u64)j * TICK_NSEC;

	time->tv_sec = nsec / NSEC_PER_SEC;
	time->tv_nsec = nsec % NSEC_PER_SEC;
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

KERNEL_FUNCTION(ns_to_kernel_old_timeval);
struct __kernel_old_timeval KERNEL(ns_to_kernel_old_timeval)(s64 nsec)
{
	struct timespec64 time = KERNEL(ns_to_timespec64)(nsec);

	return (struct __kernel_old_timeval){ .tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / NSEC_PER_USEC };
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

	return sum < 0 || sum < one || sum < other ? ktime_set(KTIME_SEC_MAX, 0) : sum;
}
