/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the functions of this folder work on: objects of a made-up subsystem of
 * a kernel, linked as kernel objects are.
 *
 * tests/tests/differential/ makes scenes of random contents, lays each out in
 * a kernel's address space and, with the same contents, at ordinary addresses
 * of a process, and runs each function on both. It learns the layout from
 * native/fields.c.
 *
 * On a scene as the generator makes it, a function must have one meaning for
 * all arguments, so it masks what it uses as an index. Results beside the one
 * that it returns go into scene->out. Kernel addresses differ between the two
 * runs, so a result must not depend on their values; where one is stored, it
 * is found again if all of its bits are.
 */
#ifndef _SCENE_H
#define _SCENE_H

#include <gpufas/gpufas.h>

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#ifdef DIFFERENTIAL_NATIVE
/* Compiled for this machine: an exported function instead of an entry point. */
#undef GPUFAS_ENTRY
#define GPUFAS_ENTRY(entry, help, ...)				\
	int native_##entry(GPUFAS_PARAMETERS(__VA_ARGS__));	\
	int native_##entry(GPUFAS_PARAMETERS(__VA_ARGS__))
#endif

#define NAME_SIZE	24	/* bytes of a name, with its NUL */
#define KINDS		12	/* kinds of items */
#define LEVELS		16	/* levels of items */
#define BUCKETS		16	/* a power of two */
#define SLOTS		8	/* a power of two */
#define OUTS		32	/* a power of two */
#define NUMBERS		256	/* fewest numbers of a scene */
#define BYTES		8192	/* bytes of a scene's byte buffer */
#define LARGE_WORDS	75
#define BITMAP_WORDS	8

/* Fields at addresses that are no multiple of their size. */
struct packed_part {
	u8 byte;
	u16 half;
	u32 word;
	u64 quad;
	struct item *item;
	s16 negative;
} __packed;

/* What the compiler reads and writes by parts of words. */
struct bit_part {
	u32 five : 5;
	u32 eleven : 11;
	s32 seven : 7;
	u32 nine : 9;
	u64 forty : 40;
	s64 rest : 24;
};

/* Views of the same bytes. */
union view {
	u64 word;
	u32 halves[2];
	u16 quarters[4];
	u8 bytes[8];
	struct {
		u8 first;
		u8 second;
		u16 middle;
		s32 last;
	};
};

struct item {
	struct list_head list;		/* on scene->items */
	struct hlist_node hash;		/* on scene->buckets[item_hash(key)] */
	struct rb_node rb;		/* in scene->tree, by key */
	struct llist_node single;	/* on scene->singles */
	struct item *peer;		/* any item or NULL */
	struct item **slot;		/* one of scene->slots */
	u64 key;			/* no two are the same */
	u64 *data;			/* of data_size words, which is not 0 */
	u32 data_size;
	u32 id;
	s32 weight;
	u16 kind;			/* below KINDS */
	u8 level;			/* below LEVELS */
	s8 sign;
	bool flag;
	char name[NAME_SIZE];
	atomic_t count;
	atomic64_t total;
	unsigned long flags;
	struct packed_part packed;
	struct bit_part bits;
	union view view;
	u32 divisor;			/* not 0 */
	u16 array16[5];
	u8 array8[7];
	s64 array64[4];
	unsigned __int128 big;
};

/* More than a compiler copies by single loads and stores. */
struct large {
	u64 words[LARGE_WORDS];
	u32 tag;
	char text[13];
};

struct scene {
	struct list_head items;
	u32 item_count;
	u32 number_count;		/* at least NUMBERS */
	struct hlist_head buckets[BUCKETS];
	struct rb_root tree;
	struct llist_head singles;
	struct item *first;		/* an item, or NULL if there is none */
	struct item *slots[SLOTS];	/* items or NULL */
	u32 *numbers;
	u8 *bytes;			/* BYTES of them */
	char *text;			/* of text_size bytes with the NUL, which is the last one */
	u64 text_size;
	struct large *large[2];
	unsigned long bitmap[BITMAP_WORDS];
	u64 out[OUTS];
};

/* The bucket of a key. */
static inline u32 item_hash(u64 key)
{
	return (key ^ key >> 32) % BUCKETS;
}

#endif /* _SCENE_H */
