// SPDX-License-Identifier: GPL-2.0
/* Caches of objects (mm/slab_common.c, mm/slub.c) in memory of the program's own, which --allocation own adds. */
#include <gpufas/functions/allocation.h>

#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>

/* What a cache of the running kernel is stands in the kernel's sources only. */
#if __has_include(<../mm/slab.h>)
#include <../mm/slab.h>
#define KNOWS_CACHES
#endif

/* A cache of the program's own. The kernel's structure has a hundred other things. */
struct cache {
	unsigned int size;
	unsigned int align;
	void (*constructor)(void *object);
};

static struct kmem_cache *new_cache(unsigned int size, unsigned int align, slab_flags_t flags,
				    void (*constructor)(void *object))
{
	struct cache *cache = size ? kmalloc(sizeof(*cache), GFP_KERNEL) : NULL;

	if (cache)
		*cache = (struct cache){ size, align, constructor };
	else if (flags & SLAB_PANIC)
		BUG();
	return (struct kmem_cache *)cache;
}

/* What is to be known of a cache, which may be one of the running kernel's. */
static struct cache cache_of(struct kmem_cache *cache)
{
	if ((long)cache >= 0)
		return *(struct cache *)cache;
#ifdef KNOWS_CACHES
	return (struct cache){ cache->object_size, cache->align, cache->ctor };
#else
	printk("what a cache of the running kernel is stands in the kernel's sources only; give them with --kernel-source\n");
	BUG();
#endif
}

static void *object_take(struct kmem_cache *from, gfp_t flags)
{
	struct cache cache = cache_of(from);
	/* A block is aligned to its size. */
	void *object = kmalloc(max(cache.size, cache.align), flags);

	/* The kernel does it for a slab of objects in advance, and who frees one leaves it as it was then. */
	if (object && cache.constructor)
		cache.constructor(object);
	return object;
}

#if FROM(6, 12)
DECLARE(__kmem_cache_create_args);
struct kmem_cache *KERNEL(__kmem_cache_create_args)(const char *name, unsigned int size,
						    struct kmem_cache_args *args, slab_flags_t flags)
{
	return new_cache(size, args->align, flags, args->ctor);
}
#else
DECLARE(kmem_cache_create);
struct kmem_cache *KERNEL(kmem_cache_create)(const char *name, unsigned int size, unsigned int align,
					     slab_flags_t flags, void (*constructor)(void *))
{
	return new_cache(size, align, flags, constructor);
}

DECLARE(kmem_cache_create_usercopy);
struct kmem_cache *KERNEL(kmem_cache_create_usercopy)(const char *name, unsigned int size, unsigned int align,
						      slab_flags_t flags, unsigned int offset, unsigned int bytes,
						      void (*constructor)(void *))
{
	return new_cache(size, align, flags, constructor);
}
#endif

void KERNEL(kmem_cache_destroy)(struct kmem_cache *cache) { kfree(cache); }
int KERNEL(kmem_cache_shrink)(struct kmem_cache *cache) { return 0; }
unsigned int KERNEL(kmem_cache_size)(struct kmem_cache *cache) { return cache_of(cache).size; }

DEFINE(ALLOCATOR(kmem_cache_alloc), struct kmem_cache *cache, gfp_t flags) { return object_take(cache, flags); }
DEFINE(ALLOCATOR(kmem_cache_alloc_node), struct kmem_cache *cache, gfp_t flags, int node)
{
	return object_take(cache, flags);
}
#if FROM(5, 18)
DEFINE(ALLOCATOR(kmem_cache_alloc_lru), struct kmem_cache *cache, struct list_lru *lru, gfp_t flags)
{
	return object_take(cache, flags);
}
#endif

/* Of whatever cache it is. */
DECLARE(kmem_cache_free);
void KERNEL(kmem_cache_free)(struct kmem_cache *cache, void *object) { kfree(object); }

DECLARE(kmem_cache_free_bulk);
void KERNEL(kmem_cache_free_bulk)(struct kmem_cache *cache, size_t count, void **objects)
{
	while (count--)
		kfree(objects[count]);
}

/* All, or none. */
typeof(ALLOCATOR(kmem_cache_alloc_bulk)(NULL, 0, 0, NULL))
KERNEL_(ALLOCATOR(kmem_cache_alloc_bulk))(struct kmem_cache *cache, gfp_t flags, size_t count, void **objects)
{
	size_t i;

	for (i = 0; i < count; i++) {
		objects[i] = object_take(cache, flags);
		if (!objects[i])
			break;
	}
	if (i == count)
		return count;
	while (i--)
		kfree(objects[i]);
	return 0;
}
