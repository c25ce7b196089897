/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* /dev/gpufas_memory, for the process that uses it. */
#ifndef _GPUFAS_MEMORY_DEVICE_H
#define _GPUFAS_MEMORY_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define GPUFAS_MEMORY_DEVICE	"gpufas_memory"

/* How much is to be mapped: all physical addresses up to the end of the last memory. */
#define GPUFAS_MEMORY_SIZE	_IOR('G', 0x40, __u64)

/* Take the process's own access away, for good. What a device was given stays with the device. */
#define GPUFAS_MEMORY_WITHDRAW	_IO('G', 0x41)

#endif /* _GPUFAS_MEMORY_DEVICE_H */
