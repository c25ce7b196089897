/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the kernel that are in no header, for the native run: what the
 * documentation in lib/string.c promises, in the plainest way.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#undef memcpy
#undef memmove
#undef memset

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int bcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int byte, size_t size);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t most);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);
char *strcpy(char *to, const char *from);
char *strncpy(char *to, const char *from, size_t size);
ssize_t strscpy(char *to, const char *from, size_t size);
char *strchr(const char *string, int character);
char *strrchr(const char *string, int character);

void *memcpy(void *to, const void *from, size_t size)
{
	return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
	u8 *t = to;
	const u8 *f = from;
	size_t i;

	if (t < f)
		for (i = 0; i < size; i++)
			t[i] = f[i];
	else
		for (i = size; i > 0; i--)
			t[i - 1] = f[i - 1];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	u8 *t = to;

	while (size--)
		*t++ = byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *x = a, *y = b;

	for (; size; x++, y++, size--)
		if (*x != *y)
			return *x - *y;
	return 0;
}

int bcmp(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size);
}

void *memchr(const void *memory, int byte, size_t size)
{
	const u8 *at = memory;

	for (; size; at++, size--)
		if (*at == (u8)byte)
			return (void *)at;
	return NULL;
}

size_t strlen(const char *string)
{
	return strnlen(string, SIZE_MAX);
}

size_t strnlen(const char *string, size_t most)
{
	size_t length = 0;

	while (length < most && string[length])
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t most)
{
	for (; most; a++, b++, most--) {
		if (*a != *b)
			return (u8)*a < (u8)*b ? -1 : 1;
		if (!*a)
			break;
	}
	return 0;
}

char *strcpy(char *to, const char *from)
{
	memmove(to, from, strlen(from) + 1);
	return to;
}

char *strncpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size);

	memmove(to, from, length);
	memset(to + length, 0, size - length);
	return to;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t length;

	if (size == 0 || size > INT_MAX)
		return -E2BIG;
	length = strnlen(from, size - 1);
	memmove(to, from, length);
	to[length] = 0;
	return from[length] ? -E2BIG : length;
}

char *strchr(const char *string, int character)
{
	for (; *string != (char)character; string++)
		if (!*string)
			return NULL;
	return (char *)string;
}

char *strrchr(const char *string, int character)
{
	const char *last = NULL;

	do {
		if (*string == (char)character)
			last = string;
	} while (*string++);
	return (char *)last;
}

/*
 * arch/x86/lib/hweight.S: called from inline assembly, so no register but the
 * result's may change.
 */
asm(".globl __sw_hweight32, __sw_hweight64\n"
    ".hidden __sw_hweight32, __sw_hweight64\n"
    "__sw_hweight32:\n\tpopcntl %edi, %eax\n\tret\n"
    "__sw_hweight64:\n\tpopcntq %rdi, %rax\n\tret\n");

/* Nothing that a native run reads is ever freed. */
void __rcu_read_lock(void);
void __rcu_read_unlock(void);

void __rcu_read_lock(void)
{
}

void __rcu_read_unlock(void)
{
}

/* lib/refcount.c without its warnings. */
void refcount_warn_saturate(refcount_t *count, enum refcount_saturation_type type)
{
	refcount_set(count, REFCOUNT_SATURATED);
}

/* kernel/time/hrtimer.c, of which more cannot be compiled to be loaded anywhere. */
ktime_t ktime_add_safe(const ktime_t one, const ktime_t other)
{
	ktime_t sum;

	if (one >= 0 && other >= 0)
		return __builtin_add_overflow(one, other, &sum) ? KTIME_MAX : sum;
	/* Times that are no times: the sum must be one, and not less than either. */
	sum = (u64)one + (u64)other;
	return sum < 0 || sum < one || sum < other ? KTIME_MAX : sum;
}

/* Nobody else is there to hold a lock. */
void _raw_spin_lock(raw_spinlock_t *lock)
{
}

void _raw_spin_lock_bh(raw_spinlock_t *lock)
{
}

void _raw_spin_lock_irq(raw_spinlock_t *lock)
{
}

unsigned long _raw_spin_lock_irqsave(raw_spinlock_t *lock)
{
	return 0;
}

void _raw_spin_unlock(raw_spinlock_t *lock)
{
}

void _raw_spin_unlock_bh(raw_spinlock_t *lock)
{
}

void _raw_spin_unlock_irq(raw_spinlock_t *lock)
{
}

void _raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)
{
}

/* Nothing is said. */
void __warn_printk(const char *format, ...)
{
}
