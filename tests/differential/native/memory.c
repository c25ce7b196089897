/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's allocators for the native run, in the plainest way: from one piece
 * of memory, of which nothing is used twice.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define ROOM	(1UL << 30)

struct kmem_cache {
	unsigned int size;
	unsigned int align;
	void (*constructor)(void *object);
};

/* What headers read of it means nothing here. */
struct kmem_cache *kmalloc_caches[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1];

static char memory[ROOM];
static size_t used;

/* A size lies before each piece. */
static void *take(size_t size, size_t align, gfp_t flags)
{
	char *at;

	if (!size)
		return ZERO_SIZE_PTR;
	at = PTR_ALIGN(&memory[used] + sizeof(size_t), max_t(size_t, align, 16));
	if (size > ROOM || at + size > memory + ROOM)
		return NULL;
	used = at + size - memory;
	((size_t *)at)[-1] = size;
	if (flags & __GFP_ZERO)
		memset(at, 0, size);
	return at;
}

static void *slab(size_t size, gfp_t flags)
{
	return take(size, is_power_of_2(size) ? size : 0, flags);
}

void *__kmalloc(size_t size, gfp_t flags)
{
	return slab(size, flags);
}

void *kmalloc_trace(struct kmem_cache *cache, gfp_t flags, size_t size)
{
	return slab(size, flags);
}

void *kmalloc_large(size_t size, gfp_t flags)
{
	return slab(size, flags);
}

void *kvmalloc_node(size_t size, gfp_t flags, int node)
{
	return slab(size, flags);
}

void *vmalloc(unsigned long size)
{
	return take(size, PAGE_SIZE, 0);
}

void *__kmalloc_node_track_caller(size_t size, gfp_t flags, int node, unsigned long caller)
{
	return slab(size, flags);
}

size_t ksize(const void *object)
{
	return ((size_t *)object)[-1];
}

void *kvrealloc(const void *from, size_t old, size_t size, gfp_t flags)
{
	return krealloc(from, size, flags);
}

void *krealloc(const void *from, size_t size, gfp_t flags)
{
	void *to;

	if (size > KMALLOC_MAX_SIZE)
		return NULL;
	to = slab(size, flags);
	if (size && !ZERO_OR_NULL_PTR(from))
		memcpy(to, from, min(size, ((size_t *)from)[-1]));
	return to;
}

void *kmemdup(const void *from, size_t size, gfp_t flags)
{
	return memcpy(slab(size, flags), from, size);
}

char *kstrdup(const char *from, gfp_t flags)
{
	return kmemdup(from, strlen(from) + 1, flags);
}

char *kmemdup_nul(const char *from, size_t size, gfp_t flags)
{
	char *copy = slab(size + 1, flags);

	memcpy(copy, from, size);
	copy[size] = 0;
	return copy;
}

char *kstrndup(const char *from, size_t most, gfp_t flags)
{
	return kmemdup_nul(from, strnlen(from, most), flags);
}

void kfree(const void *object)
{
}

void kfree_sensitive(const void *object)
{
}

void kvfree(const void *object)
{
}

void vfree(const void *object)
{
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align, slab_flags_t flags,
				     void (*constructor)(void *))
{
	struct kmem_cache *cache = slab(sizeof(*cache), 0);

	*cache = (struct kmem_cache){ size, align, constructor };
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags)
{
	void *object = take(cache->size, cache->align, flags);

	if (cache->constructor)
		cache->constructor(object);
	return object;
}

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, gfp_t flags)
{
	return kmem_cache_alloc(cache, flags);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t count, void **objects)
{
	size_t i;

	for (i = 0; i < count; i++)
		objects[i] = kmem_cache_alloc(cache, flags);
	return count;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t count, void **objects)
{
}

/* Nothing is freed, so that nothing has to wait. */
void call_rcu(struct rcu_head *head, rcu_callback_t callback)
{
}

void kvfree_call_rcu(struct rcu_head *head, rcu_callback_t callback)
{
}
