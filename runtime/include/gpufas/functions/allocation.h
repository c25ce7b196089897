/* SPDX-License-Identifier: GPL-2.0 */
/* The names of the kernel's allocators, which have changed often. */
#ifndef _GPUFAS_ALLOCATION_H
#define _GPUFAS_ALLOCATION_H

#include <gpufas/functions/functions.h>

#include <linux/slab.h>

#define FROM(major, minor)	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/* What is allocated is called the same before and after kernels count allocations. */
#if FROM(6, 10)
#define ALLOCATOR(name)	name##_noprof
#else
#define ALLOCATOR(name)	name
#endif

/* Names that are macros count as what they stand for. */
#define KERNEL_(name)		KERNEL(name)
#define DECLARE(name)		extern typeof(name) KERNEL_(name)
#define DEFINE(name, ...)	DECLARE(name); void *KERNEL_(name)(__VA_ARGS__)

#endif /* _GPUFAS_ALLOCATION_H */
