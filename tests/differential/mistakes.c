/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that must not be freed, and own memory that is left to the kernel: each
 * function ends with the fault that says so.
 */
/* Options: --allocation own */
#include "scene.h"

#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

struct object {
	struct rcu_head rcu;
	u64 number;
};

static u64 variable[32];

GPUFAS_ENTRY(free_kernel, "memory of the kernel's", unsigned long, root)
{
	kfree(((struct scene *)root)->numbers);
	return 0;
}

GPUFAS_ENTRY(free_twice, "memory that was freed already", u32, n)
{
	void *memory = kmalloc(n % 5000 + 1, GFP_KERNEL), *other = kmalloc(n % 5000 + 1, GFP_KERNEL);

	kfree(memory);
	kfree(memory);
	return other != NULL;
}

GPUFAS_ENTRY(free_inside, "not the beginning", u32, n)
{
	kfree((char *)kmalloc(n % 5000 + 200, GFP_KERNEL) + 64);
	return 0;
}

GPUFAS_ENTRY(free_misaligned, "not even that", u32, n)
{
	kvfree((char *)kmalloc(n % 5000 + 1, GFP_KERNEL) + 1);
	return 0;
}

GPUFAS_ENTRY(free_variable, "a variable", u32, n)
{
	kfree(&variable[n % 32]);
	return 0;
}

GPUFAS_ENTRY(free_wild, "anything", u64, address)
{
	kfree((void *)(address | 1UL << 40));
	return 0;
}

GPUFAS_ENTRY(free_enlarged, "what cannot be enlarged", unsigned long, root)
{
	return krealloc(((struct scene *)root)->bytes, 20000, GFP_KERNEL) != NULL;
}

GPUFAS_ENTRY(free_object, "an object of the kernel's", unsigned long, root)
{
	struct kmem_cache *cache = kmem_cache_create("objects", sizeof(struct object), 0, 0, NULL);

	kmem_cache_free(cache, ((struct scene *)root)->bytes);
	return 0;
}

GPUFAS_ENTRY(free_cache, "a cache of the kernel's", unsigned long, root)
{
	kmem_cache_destroy((struct kmem_cache *)((struct scene *)root)->bytes);
	return 0;
}

GPUFAS_ENTRY(free_later, "memory of the kernel's, when nobody reads it", unsigned long, root)
{
	struct object *object = (struct object *)((struct scene *)root)->bytes;

	kfree_rcu(object, rcu);
	return 0;
}

static void done(struct rcu_head *head)
{
}

GPUFAS_ENTRY(free_called, "a head in the kernel's memory", unsigned long, root)
{
	call_rcu((struct rcu_head *)((struct scene *)root)->bytes, done);
	return 0;
}

GPUFAS_ENTRY(free_twice_later, "memory that readers keep, twice", u32, n)
{
	/* So that nothing larger can take the object's place. */
	void *before = kmalloc(sizeof(struct object), GFP_KERNEL);
	struct object *object = kmalloc(sizeof(*object), GFP_KERNEL);

	kfree_rcu(object, rcu);
	kfree(object);
	/* Now there is need of memory. */
	while (kmalloc(100000, GFP_KERNEL))
		n++;
	return n + !before;
}

GPUFAS_ENTRY(leave_allocated, "own memory in an object of the kernel's", unsigned long, root, u32, n)
{
	((struct scene *)root)->first = kmalloc(n % 5000 + 1, GFP_KERNEL);
	return 0;
}

GPUFAS_ENTRY(leave_variable, "a variable's address, which is copied there", unsigned long, root, u32, n)
{
	u64 *places[3] = { NULL, &variable[n % 32], NULL };

	memcpy(((struct scene *)root)->out, places, sizeof(places));
	return 0;
}

static noinline void add(struct scene *scene)
{
	struct item item;

	list_add(&item.list, &scene->items);
}

GPUFAS_ENTRY(leave_local, "a variable that is gone, on a list of the kernel's", unsigned long, root)
{
	add((struct scene *)root);
	return 0;
}
