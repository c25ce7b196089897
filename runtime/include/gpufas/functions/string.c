// SPDX-License-Identifier: GPL-2.0
/*
 * Functions on strings that the device runtime has not (lib/string.c,
 * lib/string_helpers.c): made of those that it has, which work on the kernel's
 * memory and on the program's.
 */
#include <gpufas/functions/functions.h>

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/string.h>

/* Letters and spaces of Latin-1, as lib/ctype.c classifies them. */
static bool is_space(unsigned char c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0xa0;
}

static unsigned char to_lower(unsigned char c)
{
	bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);

	return upper ? c + ('a' - 'A') : c;
}

/* strscpy() is a macro from 6.8 on. Under its own name the runtime has it. */
#undef strscpy
extern ssize_t strscpy(char *dest, const char *src, size_t count);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
KERNEL_FUNCTION(sized_strscpy);
ssize_t KERNEL(sized_strscpy)(char *dest, const char *src, size_t count)
{
	return strscpy(dest, src, count);
}
#else
KERNEL_FUNCTION(strscpy_pad);
ssize_t KERNEL(strscpy_pad)(char *dest, const char *src, size_t count)
{
	ssize_t written = strscpy(dest, src, count);

	if (written >= 0 && (size_t)written + 1 < count)
		memset(dest + written + 1, 0, count - written - 1);
	return written;
}

KERNEL_FUNCTION(strlcpy);
size_t KERNEL(strlcpy)(char *dest, const char *src, size_t size)
{
	size_t length = strlen(src);

	if (size) {
		size_t copied = length >= size ? size - 1 : length;

		memcpy(dest, src, copied);
		dest[copied] = '\0';
	}
	return length;
}
#endif

KERNEL_FUNCTION(strcat);
char *KERNEL(strcat)(char *dest, const char *src)
{
	strcpy(dest + strlen(dest), src);
	return dest;
}

KERNEL_FUNCTION(strncat);
char *KERNEL(strncat)(char *dest, const char *src, size_t count)
{
	size_t length = strnlen(src, count);
	char *end = dest + strlen(dest);

	if (count) {
		memcpy(end, src, length);
		end[length] = '\0';
	}
	return dest;
}

KERNEL_FUNCTION(strlcat);
size_t KERNEL(strlcat)(char *dest, const char *src, size_t count)
{
	size_t start = strlen(dest), length = strlen(src), all = start + length;

	BUG_ON(start >= count);
	if (length >= count - start)
		length = count - start - 1;
	memcpy(dest + start, src, length);
	dest[start + length] = '\0';
	return all;
}

KERNEL_FUNCTION(strcasecmp);
int KERNEL(strcasecmp)(const char *s1, const char *s2)
{
	int c1, c2;

	do {
		c1 = to_lower(*s1++);
		c2 = to_lower(*s2++);
	} while (c1 == c2 && c1);
	return c1 - c2;
}

KERNEL_FUNCTION(strncasecmp);
int KERNEL(strncasecmp)(const char *s1, const char *s2, size_t count)
{
	unsigned char c1 = 0, c2 = 0;

	for (; count; count--) {
		c1 = *s1++;
		c2 = *s2++;
		if (!c1 || !c2)
			break;
		c1 = to_lower(c1);
		c2 = to_lower(c2);
		if (c1 != c2)
			break;
	}
	return c1 - c2;
}

KERNEL_FUNCTION(strchrnul);
char *KERNEL(strchrnul)(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

KERNEL_FUNCTION(strnchrnul);
char *KERNEL(strnchrnul)(const char *s, size_t count, int c)
{
	while (count-- && *s && *s != (char)c)
		s++;
	return (char *)s;
}

KERNEL_FUNCTION(strnchr);
char *KERNEL(strnchr)(const char *s, size_t count, int c)
{
	for (; count; count--, s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			break;
	}
	return NULL;
}

KERNEL_FUNCTION(strnstr);
char *KERNEL(strnstr)(const char *s1, const char *s2, size_t count)
{
	size_t length = strlen(s2);

	if (!length)
		return (char *)s1;
	for (; count >= length; count--, s1++)
		if (!memcmp(s1, s2, length))
			return (char *)s1;
	return NULL;
}

KERNEL_FUNCTION(strstr);
char *KERNEL(strstr)(const char *s1, const char *s2)
{
	return strnstr(s1, s2, strlen(s1));
}

KERNEL_FUNCTION(strspn);
size_t KERNEL(strspn)(const char *s, const char *accept)
{
	const char *p;

	for (p = s; *p; p++)
		if (!strchr(accept, *p))
			break;
	return p - s;
}

static size_t length_without(const char *s, const char *reject)
{
	const char *p;

	for (p = s; *p; p++)
		if (strchr(reject, *p))
			break;
	return p - s;
}

KERNEL_FUNCTION(strcspn);
size_t KERNEL(strcspn)(const char *s, const char *reject)
{
	return length_without(s, reject);
}

KERNEL_FUNCTION(strpbrk);
char *KERNEL(strpbrk)(const char *s, const char *accept)
{
	s += length_without(s, accept);
	return *s ? (char *)s : NULL;
}

KERNEL_FUNCTION(strsep);
char *KERNEL(strsep)(char **s, const char *delimiters)
{
	char *start = *s, *end;

	if (!start)
		return NULL;
	end = start + length_without(start, delimiters);
	if (*end) {
		*end = '\0';
		*s = end + 1;
	} else {
		*s = NULL;
	}
	return start;
}

KERNEL_FUNCTION(skip_spaces);
char *KERNEL(skip_spaces)(const char *s)
{
	while (is_space(*s))
		s++;
	return (char *)s;
}

KERNEL_FUNCTION(strim);
char *KERNEL(strim)(char *s)
{
	size_t length = strlen(s);

	if (!length)
		return s;
	while (length && is_space(s[length - 1]))
		length--;
	s[length] = '\0';
	return skip_spaces(s);
}

KERNEL_FUNCTION(memscan);
void *KERNEL(memscan)(void *s, int c, size_t count)
{
	unsigned char *p = s;

	while (count-- && *p != (unsigned char)c)
		p++;
	return p;
}

KERNEL_FUNCTION(memchr_inv);
void *KERNEL(memchr_inv)(const void *s, int c, size_t count)
{
	const unsigned char *p = s;

	for (; count; count--, p++)
		if (*p != (unsigned char)c)
			return (void *)p;
	return NULL;
}

KERNEL_FUNCTION(sysfs_streq);
bool KERNEL(sysfs_streq)(const char *s1, const char *s2)
{
	while (*s1 && *s1 == *s2) {
		s1++;
		s2++;
	}
	if (*s1 == *s2)
		return true;
	if (!*s1 && *s2 == '\n' && !s2[1])
		return true;
	return *s1 == '\n' && !s1[1] && !*s2;
}

KERNEL_FUNCTION(match_string);
int KERNEL(match_string)(const char * const *array, size_t count, const char *string)
{
	size_t index;

	for (index = 0; index < count && array[index]; index++)
		if (!strcmp(array[index], string))
			return index;
	return -EINVAL;
}
