// SPDX-License-Identifier: GPL-2.0
/* Text with a format in memory (lib/vsprintf.c); vsnprintf() is the runtime's. */
#include <gpufas/functions/functions.h>

#include <linux/kernel.h>
#include <linux/limits.h>

KERNEL_FUNCTION(snprintf);
int KERNEL(snprintf)(char *to, size_t size, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(to, size, format, list);
	va_end(list);
	return length;
}

/* The length of what was written, where vsnprintf() says that of all of it. */
KERNEL_FUNCTION(vscnprintf);
int KERNEL(vscnprintf)(char *to, size_t size, const char *format, va_list list)
{
	int length = vsnprintf(to, size, format, list);

	if (length < size)
		return length;
	return size ? size - 1 : 0;
}

KERNEL_FUNCTION(scnprintf);
int KERNEL(scnprintf)(char *to, size_t size, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vscnprintf(to, size, format, list);
	va_end(list);
	return length;
}

KERNEL_FUNCTION(vsprintf);
int KERNEL(vsprintf)(char *to, const char *format, va_list list)
{
	return vsnprintf(to, INT_MAX, format, list);
}

KERNEL_FUNCTION(sprintf);
int KERNEL(sprintf)(char *to, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(to, INT_MAX, format, list);
	va_end(list);
	return length;
}
