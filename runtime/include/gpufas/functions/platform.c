// SPDX-License-Identifier: GPL-2.0
/* Questions about the platform. */
#include <gpufas/functions/functions.h>

#include <linux/mm.h>
#include <linux/string.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
#include <linux/cc_platform.h>

/* A guest whose memory can be read from outside does not encrypt it (arch/x86/coco/core.c). */
KERNEL_FUNCTION(cc_platform_has);
bool KERNEL(cc_platform_has)(enum cc_attr attribute)
{
	return false;
}
#endif

/* arch/x86/lib/copy_page_64.S */
void KERNEL(copy_page)(void *to, void *from)
{
	memcpy(to, from, PAGE_SIZE);
}

/* mm/vmalloc.c */
KERNEL_FUNCTION(is_vmalloc_addr);
bool KERNEL(is_vmalloc_addr)(const void *address)
{
	return (unsigned long)address >= VMALLOC_START && (unsigned long)address < VMALLOC_END;
}
