// SPDX-License-Identifier: GPL-2.0
/* Memory of the program's own from the kernel's allocators (mm/slub.c, mm/vmalloc.c), which --allocation own adds. */
#include <gpufas/functions/allocation.h>
#include <gpufas/functions/deferred.h>

#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/printk.h>
#include <linux/vmalloc.h>

/* As much as is asked for, but no more than @most; NULL if it is not there. */
static void *take(unsigned long size, unsigned long most, gfp_t flags)
{
	void *memory = NULL;

	if (size <= most) {
		/* What is done may defer more. */
		do
			memory = arena_take(size);
		while (!memory && gfpflags_allow_blocking(flags) && do_deferred());
	}
	if (!memory && flags & __GFP_NOFAIL) {
		printk("an allocation of %lu bytes must not fail, and the program has no such memory left\n", size);
		BUG();
	}
	if (memory && flags & __GFP_ZERO)
		memset(memory, 0, arena_size(memory));
	return memory;
}

static __always_inline void *slab_take(size_t size, gfp_t flags)
{
	return size ? take(size, KMALLOC_MAX_SIZE, flags) : ZERO_SIZE_PTR;
}

static __always_inline void *pages_take(unsigned long size, unsigned long align, gfp_t flags)
{
	/* A block is aligned to its size, which is a page at least. */
	align = max(align, PAGE_SIZE);
	return size && align <= ARENA_ALIGNMENT ? take(max(size, align), 1UL << ARENA_SHIFT, flags) : NULL;
}

/* With more alignment than a block of that size has. */
static __always_inline void *either_take(size_t size, unsigned long align, gfp_t flags)
{
	if (size > KMALLOC_MAX_SIZE)
		return pages_take(size, align, flags);
	return size && align > ARENA_ALIGNMENT ? NULL : slab_take(size ? max(size, align) : 0, flags);
}

static __always_inline void give(const void *memory)
{
	if (!ZERO_OR_NULL_PTR(memory) && !arena_give(memory))
		gpufas_not_allocated(memory);
}

/* What is allocated there, in whole blocks. */
static __always_inline unsigned long size_of(const void *memory)
{
	unsigned long size;

	if (ZERO_OR_NULL_PTR(memory))
		return 0;
	size = arena_size(memory);
	if (!size)
		gpufas_not_allocated(memory);
	return size;
}

static __always_inline void *retake(const void *memory, size_t size, unsigned long align, gfp_t flags)
{
	unsigned long old = size_of(memory);
	void *larger;

	if (!size) {
		give(memory);
		return ZERO_SIZE_PTR;
	}
	if (old >= size && IS_ALIGNED((unsigned long)memory, align)) {
		if (flags & __GFP_ZERO)
			memset((char *)memory + size, 0, old - size);
		return (void *)memory;
	}
	larger = either_take(size, align, flags);
	if (larger && old) {
		memcpy(larger, memory, min_t(size_t, old, size));
		give(memory);
	}
	return larger;
}

/* The same where no more than kmalloc() gives can be had; what cannot be made larger stays. */
static __always_inline void *slab_retake(const void *memory, size_t size, unsigned long align, gfp_t flags)
{
	return size > KMALLOC_MAX_SIZE ? NULL : retake(memory, size, align, flags);
}

/* The same in pages, of which none have no address. */
static __always_inline void *repages(const void *memory, size_t size, unsigned long align, gfp_t flags)
{
	void *pages = retake(memory, size, max(align, PAGE_SIZE), flags);

	return size ? pages : NULL;
}

#if defined(DECL_KMALLOC_PARAMS)
#define SIZE	DECL_TOKEN_PARAMS(size, token)
#define BUCKET	DECL_KMALLOC_PARAMS(size, bucket, token)
#elif defined(DECL_BUCKET_PARAMS)
#define SIZE	size_t size
#define BUCKET	DECL_BUCKET_PARAMS(size, bucket)
#else
#define SIZE	size_t size
#define BUCKET	size_t size
#endif

/* kmalloc() and what it ends in. */
DEFINE(ALLOCATOR(__kmalloc), SIZE, gfp_t flags) { return slab_take(size, flags); }
DEFINE(ALLOCATOR(__kmalloc_node), BUCKET, gfp_t flags, int node) { return slab_take(size, flags); }
DEFINE(ALLOCATOR(__kmalloc_node_track_caller), BUCKET, gfp_t flags, int node, unsigned long caller)
{
	return slab_take(size, flags);
}

#if FROM(6, 11)
DEFINE(__kmalloc_cache_noprof, struct kmem_cache *cache, gfp_t flags, size_t size) { return slab_take(size, flags); }
DEFINE(__kmalloc_cache_node_noprof, struct kmem_cache *cache, gfp_t flags, int node, size_t size)
{
	return slab_take(size, flags);
}
DEFINE(__kmalloc_large_noprof, size_t size, gfp_t flags) { return slab_take(size, flags); }
DEFINE(__kmalloc_large_node_noprof, size_t size, gfp_t flags, int node) { return slab_take(size, flags); }
#elif FROM(6, 1)
DEFINE(kmalloc_trace, struct kmem_cache *cache, gfp_t flags, size_t size) { return slab_take(size, flags); }
DEFINE(kmalloc_node_trace, struct kmem_cache *cache, gfp_t flags, int node, size_t size)
{
	return slab_take(size, flags);
}
DEFINE(kmalloc_large, size_t size, gfp_t flags) { return slab_take(size, flags); }
DEFINE(kmalloc_large_node, size_t size, gfp_t flags, int node) { return slab_take(size, flags); }
#else
DEFINE(__kmalloc_track_caller, size_t size, gfp_t flags, unsigned long caller) { return slab_take(size, flags); }
#ifdef CONFIG_TRACING
DEFINE(kmem_cache_alloc_trace, struct kmem_cache *cache, gfp_t flags, size_t size) { return slab_take(size, flags); }
DEFINE(kmem_cache_alloc_node_trace, struct kmem_cache *cache, gfp_t flags, int node, size_t size)
{
	return slab_take(size, flags);
}
DEFINE(kmalloc_order_trace, size_t size, gfp_t flags, unsigned int order) { return slab_take(size, flags); }
#endif
DEFINE(kmalloc_order, size_t size, gfp_t flags, unsigned int order) { return slab_take(size, flags); }
#endif

#if FROM(6, 18)
DEFINE(krealloc_node_align_noprof, const void *memory, SIZE, unsigned long align, gfp_t flags, int node)
{
	return slab_retake(memory, size, align, flags);
}
#else
DEFINE(ALLOCATOR(krealloc), const void *memory, size_t size, gfp_t flags) { return slab_retake(memory, size, 1, flags); }
#endif

/* In pages, or whatever there is. */
#if FROM(6, 18)
DEFINE(__kvmalloc_node_noprof, BUCKET, unsigned long align, gfp_t flags, int node)
{
	return either_take(size, align, flags);
}
DEFINE(kvrealloc_node_align_noprof, const void *memory, SIZE, unsigned long align, gfp_t flags, int node)
{
	return retake(memory, size, align, flags);
}
DEFINE(vrealloc_node_align_noprof, const void *memory, size_t size, unsigned long align, gfp_t flags, int node)
{
	return repages(memory, size, align, flags);
}
#elif FROM(6, 11)
DEFINE(__kvmalloc_node_noprof, BUCKET, gfp_t flags, int node) { return either_take(size, 1, flags); }
DEFINE(kvrealloc_noprof, const void *memory, size_t size, gfp_t flags) { return retake(memory, size, 1, flags); }
DEFINE(vrealloc_noprof, const void *memory, size_t size, gfp_t flags) { return repages(memory, size, 1, flags); }
#else
DEFINE(ALLOCATOR(kvmalloc_node), size_t size, gfp_t flags, int node) { return either_take(size, 1, flags); }
DEFINE(ALLOCATOR(kvrealloc), const void *memory, size_t old, size_t size, gfp_t flags)
{
	return old >= size ? (void *)memory : retake(memory, size, 1, flags);
}
#endif

DEFINE(ALLOCATOR(vmalloc), unsigned long size) { return pages_take(size, 1, GFP_KERNEL); }
DEFINE(ALLOCATOR(vzalloc), unsigned long size) { return pages_take(size, 1, GFP_KERNEL | __GFP_ZERO); }
DEFINE(ALLOCATOR(vmalloc_node), unsigned long size, int node) { return pages_take(size, 1, GFP_KERNEL); }
DEFINE(ALLOCATOR(vzalloc_node), unsigned long size, int node) { return pages_take(size, 1, GFP_KERNEL | __GFP_ZERO); }
DEFINE(ALLOCATOR(__vmalloc), unsigned long size, gfp_t flags) { return pages_take(size, 1, flags); }
DEFINE(ALLOCATOR(__vmalloc_array), size_t count, size_t size, gfp_t flags)
{
	return pages_take(array_size(count, size), 1, flags);
}
DEFINE(ALLOCATOR(vmalloc_array), size_t count, size_t size)
{
	return pages_take(array_size(count, size), 1, GFP_KERNEL);
}

/* Whatever it was allocated as. */
DECLARE(kfree);
void KERNEL(kfree)(const void *memory) { give(memory); }

DECLARE(kvfree);
void KERNEL(kvfree)(const void *memory) { give(memory); }

DECLARE(vfree);
void KERNEL(vfree)(const void *memory) { give(memory); }

DECLARE(vfree_atomic);
void KERNEL(vfree_atomic)(const void *memory) { give(memory); }


DECLARE(kfree_sensitive);
void KERNEL(kfree_sensitive)(const void *memory)
{
	memset((void *)memory, 0, size_of(memory));
	give(memory);
}

DECLARE(kvfree_sensitive);
void KERNEL(kvfree_sensitive)(const void *memory, size_t size)
{
	memset((void *)memory, 0, min_t(size_t, size, size_of(memory)));
	give(memory);
}

size_t KERNEL(ksize)(const void *memory) { return size_of(memory); }
size_t KERNEL(__ksize)(const void *memory) { return size_of(memory); }

#if FROM(6, 1)
size_t KERNEL(kmalloc_size_roundup)(size_t size)
{
	return size && size <= KMALLOC_MAX_SIZE ? arena_bytes(arena_order(size)) : size;
}
#endif

/* When no reader is left. */
DECLARE(call_rcu);
void KERNEL(call_rcu)(struct rcu_head *head, rcu_callback_t callback)
{
	check_is_own(head);
	defer(head, callback);
}

#ifdef CONFIG_RCU_LAZY
DECLARE(call_rcu_hurry);
void KERNEL(call_rcu_hurry)(struct rcu_head *head, rcu_callback_t callback)
{
	check_is_own(head);
	defer(head, callback);
}
#endif

/* Without a head it may sleep. */
static __always_inline void give_later(struct rcu_head *head, void *memory)
{
	check_is_own(memory);
	if (head) {
		defer(head, (rcu_callback_t)((char *)head - (char *)memory));
	} else {
		do_deferred();
		give(memory);
	}
}

DECLARE(kvfree_call_rcu);
#if FROM(6, 2)
void KERNEL(kvfree_call_rcu)(struct rcu_head *head, void *memory) { give_later(head, memory); }
#else
void KERNEL(kvfree_call_rcu)(struct rcu_head *head, rcu_callback_t callback)
{
	give_later(head, head ? (char *)head - (unsigned long)callback : (void *)callback);
}
#endif
