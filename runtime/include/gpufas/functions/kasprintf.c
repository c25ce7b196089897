// SPDX-License-Identifier: GPL-2.0
/* Text with a format in memory of the program's own (lib/kasprintf.c), which --allocation own adds. */
#include <gpufas/functions/allocation.h>

#include <linux/kernel.h>

DECLARE(kvasprintf);
char *KERNEL(kvasprintf)(gfp_t flags, const char *format, va_list list)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, list);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = kmalloc(length + 1, flags);
	if (text)
		vsnprintf(text, length + 1, format, list);
	return text;
}

DECLARE(kasprintf);
char *KERNEL(kasprintf)(gfp_t flags, const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = kvasprintf(flags, format, list);
	va_end(list);
	return text;
}
