// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of user processes, whose addresses lead nowhere in a recovery
 * program: each access faults at its first byte, as get_user() does. What the
 * kernel does then (lib/usercopy.c, lib/strncpy_from_user.c,
 * lib/strnlen_user.c, mm/maccess.c) is done here.
 */
#include <gpufas/functions/functions.h>

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* Whether an object of the kernel's may be copied: none is (CONFIG_HARDENED_USERCOPY, on which struct kmem_cache depends). */
#ifdef CONFIG_HARDENED_USERCOPY
void KERNEL(__check_object_size)(const void *object, unsigned long size, bool to_user)
{
}
#endif

/* What could not be copied is zeroed, so that nobody takes what was there before for it. */
unsigned long KERNEL(_copy_from_user)(void *to, const void __user *from, unsigned long n)
{
	memset(to, 0, n);
	return n;
}

unsigned long KERNEL(_copy_to_user)(void __user *to, const void *from, unsigned long n)
{
	return n;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 19, 0)
KERNEL_FUNCTION(clear_user);
unsigned long KERNEL(clear_user)(void __user *to, unsigned long n)
{
	return n;
}

KERNEL_FUNCTION(__clear_user);
unsigned long KERNEL(__clear_user)(void __user *to, unsigned long n)
{
	return n;
}
#endif

KERNEL_FUNCTION(strncpy_from_user);
long KERNEL(strncpy_from_user)(char *to, const char __user *from, long count)
{
	return count > 0 ? -EFAULT : 0;
}

/* 0 is what it says of a fault. */
KERNEL_FUNCTION(strnlen_user);
long KERNEL(strnlen_user)(const char __user *string, long count)
{
	return 0;
}

KERNEL_FUNCTION(check_zeroed_user);
int KERNEL(check_zeroed_user)(const void __user *from, size_t size)
{
	return size ? -EFAULT : 1;
}

KERNEL_FUNCTION(copy_from_user_nofault);
long KERNEL(copy_from_user_nofault)(void *to, const void __user *from, size_t size)
{
	return size ? -EFAULT : 0;
}

KERNEL_FUNCTION(copy_to_user_nofault);
long KERNEL(copy_to_user_nofault)(void __user *to, const void *from, size_t size)
{
	return size ? -EFAULT : 0;
}

KERNEL_FUNCTION(strncpy_from_user_nofault);
long KERNEL(strncpy_from_user_nofault)(char *to, const void __user *from, long count)
{
	return count > 0 ? -EFAULT : 0;
}

KERNEL_FUNCTION(strnlen_user_nofault);
long KERNEL(strnlen_user_nofault)(const void __user *string, long count)
{
	return 0;
}
