/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text with a format: the functions that come with a recovery program
 * (runtime/include/gpufas/functions/format.c, runtime/device/src/text.rs) against the kernel's own.
 */
/* Native sources: lib/vsprintf.c lib/hexdump.c lib/kstrtox.c lib/string_helpers.c lib/ctype.c lib/errname.c lib/siphash.c kernel/time/timeconv.c */
#include "scene.h"

GPUFAS_ENTRY(functions_format_numbers, "snprintf() with numbers of all kinds", unsigned long, root, u64, a, u64, b)
{
	struct scene *scene = (struct scene *)root;
	char *text = (char *)scene->bytes;
	int length, more;

	length = snprintf(text, BYTES / 2, "%d %u %x %X %o %hd %hhu %ld %llu %zx", (int)a, (u32)a, (u32)b, (u32)b,
			  (u32)a, (short)b, (u8)a, (long)b, a, (size_t)b);
	more = snprintf(text + BYTES / 2, BYTES / 2, "|%5d|%-7d|%07d|%+d|% d|%.4d|%*d|%#lx|%#x|%06.3d|%.0d|", (int)b % 1000,
			(int)a % 1000, (int)b % 1000, (int)a, (int)b, (int)a % 100, (int)(a % 40) - 20, (int)b,
			(long)a, (u32)b % 2, (int)b % 1000, (int)b % 2);
	return length * 1000 + more;
}

GPUFAS_ENTRY(functions_format_room, "snprintf() with less room than text", unsigned long, root, u64, a, u64, b)
{
	struct scene *scene = (struct scene *)root;
	char own[40] = "";
	size_t size = a % sizeof(own);
	struct item *item;
	int sum;

	sum = snprintf(own, size, "%llx is %s", b, scene->text);
	memcpy(scene->bytes, own, sizeof(own));
	list_for_each_entry(item, &scene->items, list) {
		sum = sum * 31 + snprintf(item->name, NAME_SIZE, "%c%.*s%u", 'a' + (char)(b % 26), (int)(a % 9),
					  "abcdefgh", item->id);
		sum = sum * 31 + snprintf(NULL, 0, "%-*s|%*s", item->kind, "left", item->level, "right");
	}
	return sum;
}

GPUFAS_ENTRY(functions_format_whole, "sprintf()", unsigned long, root, u64, a, u64, b)
{
	struct scene *scene = (struct scene *)root;
	char *text = (char *)scene->bytes;
	struct item *item;
	int length = 0;

	list_for_each_entry(item, &scene->items, list) {
		if (length > BYTES - 100)
			break;
		length += sprintf(text + length, "%s:%d%%,%lld;", item->name, item->weight, a ^ item->key);
	}
	return length;
}
