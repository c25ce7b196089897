/* SPDX-License-Identifier: GPL-2.0 */
/* Fields at odd addresses, fields of bits, views of the same bytes. */
#include "scene.h"

#include <asm/unaligned.h>

GPUFAS_ENTRY(packed_fields, "read and write packed fields", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		struct packed_part *packed = &item->packed;

		sum = sum * 5 + packed->byte + packed->half + packed->word + packed->quad + packed->negative;
		packed->byte += value;
		packed->half ^= value;
		packed->word -= value;
		packed->quad *= value | 1;
		packed->negative = -packed->negative;
		if (packed->item)
			sum += packed->item->id;
		packed->item = item;
	}
	scene->out[0] = sum;
	return scene->item_count;
}

GPUFAS_ENTRY(packed_pointer, "a pointer at an odd address", unsigned long, root, u32, steps)
{
	struct scene *scene = (struct scene *)root;
	struct item *item = scene->first;

	for (steps %= 64; item && steps; steps--) {
		item->packed.half++;
		item = item->packed.item;
	}
	return item ? item->id : -1;
}

GPUFAS_ENTRY(unaligned, "asm/unaligned.h over every address", unsigned long, root, u32, at, u64, value)
{
	struct scene *scene = (struct scene *)root;
	u8 *bytes = scene->bytes + at % (BYTES - 256);
	u64 *out = scene->out;

	out[0] = get_unaligned_le16(bytes);
	out[1] = get_unaligned_le32(bytes + 1);
	out[2] = get_unaligned_le64(bytes + 2);
	out[3] = get_unaligned_be16(bytes + 3);
	out[4] = get_unaligned_be32(bytes + 4);
	out[5] = get_unaligned_be64(bytes + 5);
	out[6] = get_unaligned((u64 *)(bytes + 7));
	put_unaligned_le16(value, bytes + 64);
	put_unaligned_le32(value, bytes + 67);
	put_unaligned_le64(value, bytes + 73);
	put_unaligned_be16(value, bytes + 96);
	put_unaligned_be32(value, bytes + 99);
	put_unaligned_be64(value, bytes + 105);
	put_unaligned(value ^ out[6], (u64 *)(bytes + 129));
	return out[2] == out[5];
}

GPUFAS_ENTRY(bit_fields, "read and write bit-fields", unsigned long, root, u64, value)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	u64 sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		struct bit_part *bits = &item->bits;

		sum = sum * 5 + bits->five + bits->eleven + bits->seven + bits->nine + bits->forty + bits->rest;
		bits->five++;
		bits->eleven = value;
		bits->seven -= 3;
		bits->nine ^= value;
		bits->forty = bits->forty * 3 + value;
		bits->rest = bits->seven;
		if (bits->seven < 0)
			sum++;
	}
	scene->out[0] = sum;
	return 0;
}

GPUFAS_ENTRY(views, "the same bytes in different widths", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item *item;
	int sum = 0;

	list_for_each_entry(item, &scene->items, list) {
		union view *view = &item->view;

		sum += view->bytes[number % 8] + view->quarters[number % 4] + view->middle;
		view->last ^= view->halves[0];
		view->bytes[(number + 5) % 8] = sum;
		view->second = view->first;
		sum ^= view->word >> 32;
	}
	return sum;
}
