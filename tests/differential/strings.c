/* SPDX-License-Identifier: GPL-2.0 */
/* String functions over the kernel's text, own text and arguments. */
#include "scene.h"

static int sign_of(int value)
{
	return value < 0 ? -1 : value > 0;
}

GPUFAS_ENTRY(string_lengths, "strlen() and strnlen()", unsigned long, root, u32, most)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = strlen(scene->text);

	list_for_each_entry(item, &scene->items, list)
		sum = sum * 3 + strlen(item->name) + strnlen(item->name, most % 40);
	scene->out[0] = sum;
	return strnlen(scene->text + most % scene->text_size, most % 300);
}

GPUFAS_ENTRY(string_compare, "strcmp() and strncmp()", unsigned long, root, const char *, text, u32, most)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 3 + sign_of(strcmp(item->name, text)) + 1;
		sum = sum * 3 + sign_of(strncmp(text, item->name, most % 32)) + 1;
		sum = sum * 3 + sign_of(strcmp(item->name, "task")) + 1;
		sum = sum * 3 + sign_of(strncmp(item->name, "kworker", 3)) + 1;
		if (item->peer)
			sum = sum * 3 + sign_of(strcmp(item->name, item->peer->name)) + 1;
	}
	scene->out[0] = sum;
	return sign_of(strcmp(text, "kworker"));
}

GPUFAS_ENTRY(string_find, "strchr() and strrchr()", unsigned long, root, int, character, u32, at)
{
	struct scene *scene = (struct scene *)root;
	char *from = scene->text + at % scene->text_size;
	char *found;

	found = strchr(from, character & 0x7f);
	scene->out[0] = found ? found - from : -1;
	found = strrchr(from, character & 0x7f);
	scene->out[1] = found ? found - from : -1;
	found = strrchr(scene->text, 0);
	return found - scene->text;
}

GPUFAS_ENTRY(string_copy, "strscpy(), strcpy(), strncpy()", unsigned long, root, const char *, text, u32, size)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *peer;
	char own[40];
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		sum += strscpy(own, item->name, size % sizeof(own));
		if (size % sizeof(own))
			sum = sum * 7 + strlen(own) + own[0];
		peer = item->peer;
		if (peer && peer != item) {
			sum += strscpy(peer->name, item->name, sizeof(peer->name));
			strncpy(item->name, peer->name + 1, size % sizeof(item->name));
			item->name[NAME_SIZE - 1] = 0;
		} else {
			sum += strscpy(item->name, text, sizeof(item->name));
		}
	}
	strcpy((char *)scene->bytes, scene->text + size % scene->text_size);
	strcpy((char *)scene->bytes + 2048, "a constant");
	scene->out[0] = sum;
	return strscpy((char *)scene->bytes + 3000, scene->text, size % 1000);
}

GPUFAS_ENTRY(string_upper, "characters one by one", unsigned long, root, const char *, text)
{
	struct scene *scene = (struct scene *)root;
	char *at = scene->text;
	int changed = 0;

	for (; *at; at++) {
		const char *any;

		for (any = text; *any; any++)
			if (*any == *at)
				break;
		if (*any && *at >= 'a' && *at <= 'z') {
			*at += 'A' - 'a';
			changed++;
		}
	}
	return changed;
}

/* A table of own pointers to own text. */
static const char *const names[] = { "task", "kworker", "init", "", "a somewhat longer name, of 44 characters....." };

GPUFAS_ENTRY(string_table, "a table of texts", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	const char *name = names[number % ARRAY_SIZE(names)];
	struct item *item;
	int equal = 0;

	list_for_each_entry(item, &scene->items, list) {
		equal += !strcmp(item->name, name);
		equal += !strncmp(item->name, names[item->level % ARRAY_SIZE(names)], 2) << 8;
		if (item->flag)
			strscpy(item->name, names[item->kind % ARRAY_SIZE(names)], NAME_SIZE);
	}
	memcpy(scene->bytes + number % 100, name, strlen(name));
	return equal;
}
