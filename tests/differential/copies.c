/* SPDX-License-Identifier: GPL-2.0 */
/* Copies and fills: structures, memory functions, values passed in memory. */
#include "scene.h"

GPUFAS_ENTRY(copy_structures, "assign structures", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct item *item = scene->first;
	struct large *from = scene->large[number & 1], *to = scene->large[~number & 1];

	*to = *from;
	to->words[number % LARGE_WORDS] ^= 1;
	if (!item)
		return 0;
	if (item->peer) {
		item->peer->packed = item->packed;
		item->peer->bits = item->bits;
		item->view = item->peer->view;
		item->peer->big = item->big;
	}
	return to->tag;
}

GPUFAS_ENTRY(copy_through_own, "to own memory, changed there, and back", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;
	struct large own = *scene->large[0];
	int i;

	for (i = 0; i < LARGE_WORDS; i++)
		own.words[i] = own.words[i] * 3 + own.words[(i + number) % LARGE_WORDS];
	own.text[number % sizeof(own.text)] = 'x';
	*scene->large[1] = own;
	return own.tag;
}

static noinline u64 by_value(struct large large, u32 number)
{
	large.words[number % LARGE_WORDS] += 5;
	return large.words[0] ^ large.words[LARGE_WORDS - 1] ^ large.words[(number + 1) % LARGE_WORDS] ^ large.tag;
}

static noinline struct large made(u64 seed)
{
	struct large large;
	int i;

	memset(&large, 0, sizeof(large));
	for (i = 0; i < LARGE_WORDS; i++)
		large.words[i] = seed * (i + 1);
	large.tag = seed;
	return large;
}

GPUFAS_ENTRY(copy_by_value, "structures as arguments and results", unsigned long, root, u32, number)
{
	struct scene *scene = (struct scene *)root;

	scene->out[0] = by_value(*scene->large[number & 1], number);
	*scene->large[0] = made(number);
	scene->out[1] = by_value(*scene->large[0], number / 3);
	return 0;
}

GPUFAS_ENTRY(memory_copy, "memcpy() of any size at any address", unsigned long, root, u32, from, u32, to, u32, size)
{
	struct scene *scene = (struct scene *)root;

	/* The upper half to the lower one. */
	from = BYTES / 2 + from % (BYTES / 4);
	to = to % (BYTES / 4);
	memcpy(scene->bytes + to, scene->bytes + from, size % (BYTES / 4));
	return scene->bytes[to];
}

GPUFAS_ENTRY(memory_move, "memmove() of parts that overlap", unsigned long, root, u32, from, s32, by, u32, size)
{
	struct scene *scene = (struct scene *)root;

	from = BYTES / 4 + from % (BYTES / 4);
	by %= BYTES / 8;
	memmove(scene->bytes + from + by, scene->bytes + from, size % (BYTES / 4));
	return by;
}

GPUFAS_ENTRY(memory_fill, "memset()", unsigned long, root, u32, to, int, byte, u32, size)
{
	struct scene *scene = (struct scene *)root;

	to %= BYTES / 2;
	size %= BYTES / 2;
	return memset(scene->bytes + to, byte, size) == scene->bytes + to;
}

GPUFAS_ENTRY(memory_compare, "memcmp() and memchr()", unsigned long, root, u32, from, u32, to, u32, size)
{
	struct scene *scene = (struct scene *)root;
	u8 *a = scene->bytes + from % (BYTES / 4), *b = scene->bytes + BYTES / 2 + to % (BYTES / 4);
	u8 *found;
	int result;

	size %= 200;
	memcpy(b, a, size);
	scene->out[0] = memcmp(a, b, size) == 0;
	b[to % 200] ^= from & 0xff;
	result = memcmp(a, b, size);
	scene->out[1] = result < 0 ? -1 : result > 0;
	scene->out[2] = memcmp(a, b, 16) != 0;
	found = memchr(a, to & 0xff, size);
	return found ? found - a : -1;
}

#define COPY(bytes)	memcpy(to, from, bytes); to += bytes + 1; from += bytes

GPUFAS_ENTRY(memory_small, "copies of constant sizes at any address", unsigned long, root, u32, a, u32, b)
{
	struct scene *scene = (struct scene *)root;
	u8 *to = scene->bytes + a % (BYTES / 4), *from = scene->bytes + BYTES / 2 + b % (BYTES / 4);

	COPY(1);
	COPY(2);
	COPY(3);
	COPY(4);
	COPY(5);
	COPY(7);
	COPY(8);
	COPY(12);
	COPY(15);
	COPY(16);
	COPY(17);
	COPY(24);
	COPY(32);
	COPY(33);
	COPY(64);
	COPY(100);
	memset(to, 0, 3);
	memset(to + 3, 0xa5, 8);
	memset(to + 11, a, 16);
	memset(to + 27, b, 41);
	return *(to - 2);
}

GPUFAS_ENTRY(memory_own, "between own and kernel memory", unsigned long, root, u32, at, u32, size)
{
	struct scene *scene = (struct scene *)root;
	u8 *bytes = scene->bytes + at % (BYTES / 2);
	u8 own[128], other[128];
	u32 i, sum = 0;

	memset(own, at, sizeof(own));
	size %= sizeof(own) + 1;
	memcpy(own, bytes, size);
	memcpy(other, own, sizeof(other));
	memmove(own + 1, own, 40);
	for (i = 0; i < sizeof(own); i++)
		sum = sum * 7 + own[i] + (other[i] << 8);
	memcpy(bytes + 300, other, size);
	memset(bytes + 600, other[size / 2], size);
	sum ^= memcmp(own, bytes, size) != 0;
	scene->out[0] = sum;
	return memcmp(other, bytes + 300, size) == 0;
}

GPUFAS_ENTRY(array_copy, "arrays element by element, which a compiler makes copies of", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	u32 *numbers = scene->numbers;
	u64 *words = scene->large[0]->words;
	u32 i;

	n %= NUMBERS / 2;
	for (i = 0; i < n; i++)
		numbers[i] = numbers[i + NUMBERS / 2];
	for (i = 0; i < LARGE_WORDS; i++)
		words[i] = scene->large[1]->words[LARGE_WORDS - 1 - i];
	for (i = n; i < NUMBERS; i++)
		numbers[i] = 0;
	for (i = 1; i < NUMBERS / 4; i++)
		numbers[i] += numbers[i - 1];
	return numbers[n];
}

GPUFAS_ENTRY(swap_items, "exchange what two items hold", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;
	struct item *item, *peer;

	list_for_each_entry(item, &scene->items, list) {
		peer = item->peer;
		if (!peer)
			continue;
		swap(item->weight, peer->weight);
		swap(item->view, peer->view);
		swap(item->packed, peer->packed);
		swap(item->data, peer->data);
		swap(item->data_size, peer->data_size);
		swap(item->big, peer->big);
	}
	return 0;
}
