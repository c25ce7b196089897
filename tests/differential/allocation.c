/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that the kernel's allocators give, here of the program's own. */
/* Native sources: lib/kasprintf.c lib/vsprintf.c lib/hexdump.c lib/kstrtox.c lib/string_helpers.c lib/ctype.c lib/errname.c lib/siphash.c kernel/time/timeconv.c */
/* Options: --allocation own */
#include "scene.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define PIECES	64

struct piece {
	u8 *memory;
	size_t size;
	u8 mark;
};

/* Whether a piece still holds what was put there, so that none overlaps another. */
static bool is_whole(struct piece *piece)
{
	size_t i;

	for (i = 0; i < piece->size; i += 1 + piece->size / 40)
		if (piece->memory[i] != piece->mark)
			return false;
	return !piece->size || piece->memory[piece->size - 1] == piece->mark;
}

static bool is_aligned(struct piece *piece, size_t least)
{
	size_t alignment = is_power_of_2(piece->size) ? max(piece->size, least) : least;

	return IS_ALIGNED((unsigned long)piece->memory, alignment);
}

GPUFAS_ENTRY(allocation_pieces, "pieces of all sizes, allocated and freed", u64, seed, u32, n)
{
	struct piece pieces[PIECES] = {};
	u64 state = seed | 1;
	int i, wrong = 0;

	for (n = n % 500 + 50; n; n--) {
		struct piece *piece;
		size_t size;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		piece = &pieces[state >> 40 & (PIECES - 1)];
		size = state >> 46 & ((2UL << (state >> 33 & 15)) - 1);
		if (!(state >> 20 & 7))
			size = roundup_pow_of_two(size | 1);
		if (piece->memory && !is_whole(piece))
			wrong++;
		switch (state >> 60) {
		case 0 ... 3:
			kfree(piece->memory);
			piece->memory = NULL;
			piece->size = 0;
			continue;
		case 4 ... 6:
			piece->memory = krealloc(piece->memory, size, GFP_KERNEL);
			if (piece->size && size && piece->memory[0] != piece->mark)
				wrong += 100;
			break;
		case 7:
			kvfree(piece->memory);
			piece->memory = kvmalloc(size, GFP_KERNEL);
			break;
		case 8:
			vfree(piece->memory);
			size++;
			piece->memory = vmalloc(size);
			if (!PAGE_ALIGNED(piece->memory))
				wrong += 1000;
			break;
		case 9:
			kfree(piece->memory);
			piece->memory = kzalloc(size, GFP_KERNEL);
			for (i = 0; i < size; i++)
				wrong += piece->memory[i];
			break;
		case 10:
			kfree(piece->memory);
			size = 192;
			piece->memory = kmalloc(192, GFP_ATOMIC);
			break;
		default:
			kfree(piece->memory);
			piece->memory = kmalloc(size, GFP_KERNEL);
		}
		piece->size = size;
		piece->mark = state >> 50;
		if (size && !is_aligned(piece, ARCH_KMALLOC_MINALIGN))
			wrong += 10000;
		memset(piece->memory, piece->mark, size);
	}
	for (i = 0; i < PIECES; i++) {
		wrong += !is_whole(&pieces[i]);
		kfree(pieces[i].memory);
	}
	return wrong;
}

GPUFAS_ENTRY(allocation_end, "as much as there is, and again", u64, seed, u32, n)
{
	size_t size = 32 + (seed >> 20) % 4000 * (n % 17 + 1);
	unsigned int first = 0, again = 0;
	void **list = NULL, **next;

	for (; first < 3000; first++) {
		next = kmalloc(size, GFP_KERNEL);
		if (!next)
			break;
		*next = list;
		list = (void **)next;
	}
	for (; list; list = next) {
		next = *list;
		kfree(list);
	}
	for (; again < 3000; again++) {
		next = kmalloc(size, GFP_KERNEL);
		if (!next)
			break;
	}
	return first > 0 && first == again;
}

struct object {
	struct rcu_head rcu;
	u64 number;
	struct object *next;
};

static u32 constructed;

static void construct(void *memory)
{
	struct object *object = memory;

	object->number = 4711;
	constructed++;
}

GPUFAS_ENTRY(allocation_cache, "objects of a cache", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct kmem_cache *cache = kmem_cache_create("objects", sizeof(struct object), 256, SLAB_HWCACHE_ALIGN, construct);
	struct object *list = NULL, *object;
	u64 sum = 0;

	for (n = n % 100; n; n--) {
		object = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!IS_ALIGNED((unsigned long)object, 256))
			return -EFAULT;
		sum += object->number;
		object->number = n;
		object->next = list;
		list = object;
		if (n % 5 == 0) {
			list = object->next;
			object->number = 4711;
			kmem_cache_free(cache, object);
		}
	}
	while (list) {
		object = list;
		list = object->next;
		sum = sum * 3 + object->number;
		kfree_rcu(object, rcu);
		/* Until the end of the critical section it is as it was. */
		sum += object->number;
	}
	kmem_cache_destroy(cache);
	scene->out[0] = sum;
	return constructed;
}

/* Whoever waits for readers is done when memory is needed. */
GPUFAS_ENTRY(allocation_deferred, "memory that readers keep", u32, n)
{
	struct object *object;
	int failed = 0;

	/* More than there is, if nothing were freed. */
	for (n = 0; n < 2000; n++) {
		object = kmalloc(16384, GFP_KERNEL);
		if (!object) {
			failed++;
			continue;
		}
		object->number = n;
		kfree_rcu(object, rcu);
		if (object->number != n)
			return -EFAULT;
	}
	return failed;
}

GPUFAS_ENTRY(allocation_copies, "copies of texts", unsigned long, root, const char *, text, u32, n)
{
	struct scene *scene = (struct scene *)root;
	char *copy = kstrdup(text, GFP_KERNEL), *other = kstrdup(scene->text, GFP_KERNEL);
	u32 *numbers = kmemdup(scene->numbers, NUMBERS * sizeof(u32), GFP_KERNEL);

	if (!copy || !other || !numbers)
		return -ENOMEM;
	scene->out[0] = strcmp(copy, text) | strcmp(other, scene->text);
	scene->out[1] = numbers[n % NUMBERS];
	memcpy(scene->bytes, numbers, NUMBERS * sizeof(u32));
	kfree(copy);
	kfree(other);
	kfree(numbers);
	return strlen(scene->text);
}

GPUFAS_ENTRY(allocation_texts, "texts of which a part is copied, or that are made", unsigned long, root, const char *, text, u32, n)
{
	struct scene *scene = (struct scene *)root;
	char *part = kstrndup(scene->text, n % 20, GFP_KERNEL), *whole = kstrndup(text, SIZE_MAX, GFP_KERNEL);
	char *ended = kmemdup_nul((char *)scene->numbers, n % 64, GFP_KERNEL);
	char *made = kasprintf(GFP_KERNEL, "%s/%u %.*s", text, n, n % 30, scene->text);
	int length;

	if (!part || !whole || !ended || !made)
		return -ENOMEM;
	scene->out[0] = strcmp(whole, text);
	length = strlen(made);
	memcpy(scene->bytes, part, strlen(part) + 1);
	memcpy(scene->bytes + 64, ended, n % 64 + 1);
	memcpy(scene->bytes + 256, made, min(length + 1, 512));
	kfree(part);
	kfree(whole);
	kfree_sensitive(ended);
	kvfree(made);
	return length;
}

GPUFAS_ENTRY(allocation_resized, "memory that grows, with what is in it", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	size_t size = n % 900 + 1, larger = size + n / 7 % 9000;
	u8 *memory = kvmalloc(size, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	memset(memory, n, size);
	memory = kvrealloc(memory, size, larger, GFP_KERNEL);
	/* As much as is asked for, at least. */
	if (!memory || ksize(memory) < larger)
		return -EFAULT;
	memory[larger - 1] = 7;
	scene->out[0] = memory[size / 2];
	/* More than there is of one piece: the old one stays. */
	if (krealloc(memory, KMALLOC_MAX_SIZE + 1, GFP_KERNEL))
		return -E2BIG;
	scene->out[1] = memory[larger - 1];
	kvfree(memory);
	return 0;
}

GPUFAS_ENTRY(allocation_bulk, "many objects at once", unsigned long, root, u32, n)
{
	struct scene *scene = (struct scene *)root;
	struct kmem_cache *cache = kmem_cache_create("many", sizeof(struct object), 0, 0, construct);
	void *objects[40];
	size_t i, count = n % ARRAY_SIZE(objects) + 1;
	u64 sum = 0;

	if (kmem_cache_alloc_bulk(cache, GFP_KERNEL, count, objects) != count)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		sum += ((struct object *)objects[i])->number;
		((struct object *)objects[i])->number = i;
	}
	for (i = 0; i < count; i++)
		sum = sum * 3 + ((struct object *)objects[i])->number;
	kmem_cache_free_bulk(cache, count, objects);
	kmem_cache_destroy(cache);
	scene->out[0] = sum;
	return constructed;
}
