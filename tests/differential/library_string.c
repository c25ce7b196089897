/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own string functions, in the place of the runtime's. */
/* Kernel sources: lib/string.c lib/ctype.c */
#include "scene.h"

#include <linux/ctype.h>

GPUFAS_ENTRY(library_string_search, "strstr() and its like", unsigned long, root, const char *, wanted, u32, character)
{
	struct scene *scene = (struct scene *)root;
	const char *text = scene->text, *found;
	int i = 0;

#define NOTE(function)	(found = function, scene->out[i++] = found ? found - text : -1)
	NOTE(strstr(text, wanted));
	NOTE(strnstr(text, wanted, scene->text_size / 2));
	NOTE(strpbrk(text, wanted));
	NOTE(strchr(text, character));
	NOTE(strrchr(text, character));
	NOTE(strchrnul(text, character));
	NOTE(strnchr(text, scene->text_size / 2, character));
	NOTE(memchr_inv(text, *text, scene->text_size));
	NOTE(memscan((void *)text, character, scene->text_size));
#undef NOTE
	scene->out[i++] = strspn(text, wanted);
	scene->out[i++] = strcspn(text, wanted);
	scene->out[i++] = strlen(text);
	scene->out[i++] = strnlen(text, scene->text_size / 3);
	return scene->out[0];
}

GPUFAS_ENTRY(library_string_compare, "strcasecmp() and its like", unsigned long, root, const char *, other, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 3 + strcasecmp(item->name, other);
		sum = sum * 3 + strncasecmp(item->name, other, n % NAME_SIZE);
		sum = sum * 3 + strcmp(item->name, other);
		sum = sum * 3 + strncmp(item->name, other, n % NAME_SIZE);
		if (item->peer)
			sum = sum * 3 + memcmp(item->name, item->peer->name, NAME_SIZE);
		sum += isalpha(item->name[0]) != 0;
	}
	return sum;
}

GPUFAS_ENTRY(library_string_copy, "strscpy() and its like", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	char *to = scene->bytes, *rest, *part;
	struct item *item;
	int parts = 0;

	n = n % 200 + 1;
	scene->out[0] = strscpy(to, scene->text, n);
	strcpy(to + 500, to);
	strncpy(to + 1000, scene->text, n);
	to[1500] = 0;
	list_for_each_entry(item, &scene->items, list) {
		strcat(to + 1500, item->name);
		strncat(to + 1500, item->name, n % 7);
	}
	scene->out[1] = strlcat(to + 500, "tail", 600);
	memset16((u16 *)(to + 4000), n, n);
	memset32((u32 *)(to + 4800), n, n);
	memset64((u64 *)(to + 5600), n, n);
	rest = to + 1500;
	while ((part = strsep(&rest, "/k")))
		parts = parts * 3 + strlen(part);
	return parts;
}
