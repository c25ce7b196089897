/* SPDX-License-Identifier: GPL-2.0 */
/* Arithmetic with times, with what programs have in the place of the kernel's functions. */
/* Native sources: kernel/time/time.c */
#include "scene.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/time64.h>

/* Nanoseconds that set_normalized_timespec64() of the kernel does not count down for hours. */
#define FEW_SECONDS	(1000 * NSEC_PER_SEC)

GPUFAS_ENTRY(functions_jiffies, "from and to jiffies", unsigned long, root, u64, number, u32, small)
{
	struct scene *scene = (struct scene *)root;

	scene->out[0] = jiffies_to_msecs(number);
	scene->out[1] = jiffies_to_usecs(number);
	scene->out[2] = nsecs_to_jiffies64(number);
	scene->out[3] = nsecs_to_jiffies(number);
	scene->out[4] = __msecs_to_jiffies(small);
	scene->out[5] = __usecs_to_jiffies(small);
	scene->out[6] = __usecs_to_jiffies(~(small % 9000));
	scene->out[7] = jiffies_to_msecs(small);
	scene->out[8] = jiffies_to_usecs(small);
	scene->out[9] = jiffies64_to_nsecs(number >> 24);
	scene->out[10] = jiffies64_to_msecs(number >> 12);
	scene->out[11] = jiffies_to_clock_t(number);
	scene->out[12] = nsec_to_clock_t(number);
	return 0;
}

GPUFAS_ENTRY(functions_timespec, "seconds and nanoseconds", unsigned long, root, s64, number, s64, seconds)
{
	struct scene *scene = (struct scene *)root;
	struct timespec64 time = ns_to_timespec64(number);

	scene->out[0] = time.tv_sec;
	scene->out[1] = time.tv_nsec;
	set_normalized_timespec64(&time, seconds / 4, number % FEW_SECONDS);
	scene->out[2] = time.tv_sec;
	scene->out[3] = time.tv_nsec;
	set_normalized_timespec64((struct timespec64 *)&scene->out[4], seconds / 4, -(number % FEW_SECONDS));
	jiffies_to_timespec64(number, (struct timespec64 *)&scene->out[6]);
	*(struct __kernel_old_timeval *)&scene->out[8] = ns_to_kernel_old_timeval(number);
	return time.tv_nsec;
}

GPUFAS_ENTRY(functions_ktime, "sums of times that do not overflow", unsigned long, root, s64, one, s64, other)
{
	struct scene *scene = (struct scene *)root;

	scene->out[0] = ktime_add_safe(one, other);
	scene->out[1] = ktime_add_safe(one & KTIME_MAX, other & KTIME_MAX);
	scene->out[2] = ktime_add_safe(one & KTIME_MAX, KTIME_MAX - (one & KTIME_MAX));
	return 0;
}
