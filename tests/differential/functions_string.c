/* SPDX-License-Identifier: GPL-2.0 */
/* The string functions of runtime/include/gpufas/functions, against the kernel's own. */
/* Native sources: lib/string.c lib/string_helpers.c lib/ctype.c */
#include "scene.h"

GPUFAS_ENTRY(functions_string_search, "strstr() and its like", unsigned long, root, const char *, wanted, u32, character)
{
	struct scene *scene = (struct scene *)root;
	const char *text = scene->text, *found;
	int i = 0;

#define NOTE(function)	(found = function, scene->out[i++] = found ? found - text : -1)
	NOTE(strstr(text, wanted));
	NOTE(strstr(text, ""));
	NOTE(strnstr(text, wanted, scene->text_size / 2));
	NOTE(strpbrk(text, wanted));
	NOTE(strchrnul(text, character));
	NOTE(strnchr(text, scene->text_size / 2, character));
	NOTE(strnchr(text, scene->text_size, 0));
	NOTE(strnchrnul(text, scene->text_size / 3, character));
	NOTE(memchr_inv(text, *text, scene->text_size));
	NOTE(memscan((void *)text, character, scene->text_size));
	NOTE(skip_spaces(text + character % scene->text_size));
#undef NOTE
	scene->out[i++] = strspn(text, wanted);
	scene->out[i++] = strcspn(text, wanted);
	return scene->out[0];
}

GPUFAS_ENTRY(functions_string_compare, "strcasecmp() and its like", unsigned long, root, const char *, other, u32, n)
{
	struct scene *scene = (struct scene *)root;
	const char *names[] = { "idle", other, "task", NULL };
	struct item *item;
	int sum = 0, byte;
	char one[2] = "", two[3] = "";

	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 3 + strcasecmp(item->name, other);
		sum = sum * 3 + strncasecmp(item->name, other, n % NAME_SIZE);
		sum = sum * 3 + sysfs_streq(item->name, other);
		sum = sum * 3 + match_string(names, n % 2 ? -1 : 2, item->name);
	}
	/* All of Latin-1. */
	for (byte = 1; byte < 256; byte++) {
		one[0] = byte;
		two[0] = byte ^ ('a' - 'A');
		sum = sum * 5 + strcasecmp(one, two) + (skip_spaces(one) - one);
		two[0] = byte;
		two[1] = '\n';
		sum = sum * 5 + sysfs_streq(one, two) + 2 * sysfs_streq(two, one);
	}
	return sum;
}

GPUFAS_ENTRY(functions_string_copy, "strlcpy() and its like", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	char *to = (char *)scene->bytes, *rest, *part, own[64];
	struct item *item;
	int parts = 0;

	n = n % 200 + 1;
	scene->out[0] = strlcpy(to, scene->text, n);
	scene->out[1] = strscpy_pad(to + 300, scene->text, n);
	strcpy(to + 600, to);
	scene->out[2] = strlcat(to + 600, "tail", n + 3);
	to[1500] = own[0] = 0;
	list_for_each_entry(item, &scene->items, list) {
		strcat(to + 1500, item->name);
		strncat(to + 1500, item->name, n % 7);
		own[0] = 0;
		strncat(own, item->name, n % 30);
		strcat(own, " \t");
		part = strim(own);
		scene->out[3] += strlen(part) + (part - own);
	}
	rest = to + 1500;
	while ((part = strsep(&rest, "/k")))
		parts = parts * 3 + strlen(part);
	return parts;
}
