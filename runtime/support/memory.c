// SPDX-License-Identifier: GPL-2.0
/*
 * A character device that maps all of physical memory into one process, for a
 * GPU of the same machine: the process registers the mapping with the GPU's
 * driver, and has its own access taken away.
 *
 *	fd = open("/dev/gpufas_memory", O_RDWR);
 *	ioctl(fd, GPUFAS_MEMORY_SIZE, &size);
 *	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
 *	... cuMemHostRegister(memory, size, CU_MEMHOSTREGISTER_DEVICEMAP |
 *			      CU_MEMHOSTREGISTER_IOMEMORY) ...
 *	ioctl(fd, GPUFAS_MEMORY_WITHDRAW);
 *
 * Page tables are written by page frame numbers (VM_PFNMAP): no reference to any
 * page is taken, so that none is kept from being freed, moved or reused, and
 * nothing of the memory's state changes. Nobody can pin the mapping's pages
 * (get_user_pages() refuses), read it through ptrace, or inherit it.
 *
 * The memory can be mapped once per boot: from then on the module stays loaded.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "memory_device.h"

#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ioport.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Set by the first mapping, and never cleared. */
static atomic_t mapped = ATOMIC_INIT(0);

/* The file that it was made through. */
static struct file *owner;

/* The most that is mapped at once: a look at every page of it takes less than a tick. */
#define MOST_AT_ONCE	SZ_16M

static int for_each_memory(void *argument, int (*act)(struct resource *range, void *argument))
{
	return walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
				   argument, act);
}

/* Whole pages of a range: -1 if it has none. */
static int pages_of(const struct resource *range, u64 *start, u64 *end)
{
	*start = PAGE_ALIGN(range->start);
	*end = (range->end + 1) & PAGE_MASK;
	return *start < *end ? 0 : -1;
}

static int note_end(struct resource *range, void *argument)
{
	u64 start, end, *size = argument;

	if (!pages_of(range, &start, &end))
		*size = max(*size, end);
	return 0;
}

static u64 memory_size(void)
{
	u64 size = 0;

	for_each_memory(&size, note_end);
	return size;
}

/*
 * The kernel maps no two pages at once of which a driver has had one made uncached or write-combining
 * (-EINVAL of track_pfn_remap(), before anything is mapped): then fewer are tried, at last each alone, as
 * it is mapped elsewhere. The first MiB is mapped uncached in any case, since lookup_memtype()
 * knows nothing of it.
 */
static int map_range(struct resource *range, void *argument)
{
	struct vm_area_struct *vma = argument;
	u64 start, end, most = MOST_AT_ONCE;

	if (pages_of(range, &start, &end))
		return 0;

	while (start < end) {
		u64 size = min(end - start, most);
		int error = remap_pfn_range(vma, vma->vm_start + start, start >> PAGE_SHIFT, size,
					    vma->vm_page_prot);

		if (error == -EINVAL && size > PAGE_SIZE) {
			most = PAGE_ALIGN(size / 2);
			continue;
		}
		if (error)
			return error;

		start += size;
		most = MOST_AT_ONCE;
		cond_resched();
	}
	return 0;
}

/* Where there is no memory, and everywhere once the access is withdrawn. */
static vm_fault_t no_memory(struct vm_fault *fault)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct mapping_operations = {
	.fault = no_memory,
};

static int memory_mmap(struct file *file, struct vm_area_struct *vma)
{
	int error;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != memory_size() ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	if (atomic_cmpxchg(&mapped, 0, 1))
		return -EBUSY;

	vma->vm_ops = &mapping_operations;
	vm_flags_mod(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY, VM_MAYEXEC);
	error = for_each_memory(vma, map_range);
	if (error) {
		/* mmap() removes what was mapped of it. */
		atomic_set(&mapped, 0);
		return error;
	}

	/* A module that was loaded again would map it again. */
	__module_get(THIS_MODULE);
	WRITE_ONCE(owner, file);
	pr_notice("process %d has mapped all memory\n", task_tgid_nr(current));
	return 0;
}

static long memory_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	u64 size;

	switch (command) {
	case GPUFAS_MEMORY_SIZE:
		size = memory_size();
		return copy_to_user((void __user *)argument, &size, sizeof(size)) ? -EFAULT : 0;
	case GPUFAS_MEMORY_WITHDRAW:
		if (READ_ONCE(owner) != file)
			return -EPERM;
		unmap_mapping_range(file->f_mapping, 0, 0, 1);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int memory_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;

	return security_locked_down(LOCKDOWN_DEV_MEM);
}

static int memory_release(struct inode *inode, struct file *file)
{
	/* Another file may come to lie at its address, and is not the owner then. */
	cmpxchg(&owner, file, NULL);
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = memory_open,
	.release = memory_release,
	.mmap = memory_mmap,
	.unlocked_ioctl = memory_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = GPUFAS_MEMORY_DEVICE,
	.mode = 0600,
	.fops = &operations,
};

module_misc_device(device);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("All of physical memory for one process, once per boot, for GPUfas");
