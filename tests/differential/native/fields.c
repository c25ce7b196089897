/* SPDX-License-Identifier: GPL-2.0 */
/* The layout of a scene, for the program that makes them. */
#include "../scene.h"

struct scene_field {
	const char *name;
	unsigned long value;	/* an offset, or the size of a structure, or a limit */
};

#define FIELD(type, member)	{ #type "." #member, offsetof(struct type, member) }
#define SIZE(type)		{ #type, sizeof(struct type) }
#define LIMIT(name)		{ #name, name }

/* Ends with an empty one. */
extern const struct scene_field scene_fields[];
const struct scene_field scene_fields[] = {
	SIZE(scene),
	FIELD(scene, items),
	FIELD(scene, item_count),
	FIELD(scene, number_count),
	FIELD(scene, buckets),
	FIELD(scene, tree),
	FIELD(scene, singles),
	FIELD(scene, first),
	FIELD(scene, slots),
	FIELD(scene, numbers),
	FIELD(scene, bytes),
	FIELD(scene, text),
	FIELD(scene, text_size),
	FIELD(scene, large),
	FIELD(scene, bitmap),
	FIELD(scene, out),
	SIZE(item),
	FIELD(item, list),
	FIELD(item, hash),
	FIELD(item, rb),
	FIELD(item, single),
	FIELD(item, peer),
	FIELD(item, slot),
	FIELD(item, key),
	FIELD(item, data),
	FIELD(item, data_size),
	FIELD(item, id),
	FIELD(item, weight),
	FIELD(item, kind),
	FIELD(item, level),
	FIELD(item, sign),
	FIELD(item, flag),
	FIELD(item, name),
	FIELD(item, count),
	FIELD(item, total),
	FIELD(item, flags),
	FIELD(item, packed),
	FIELD(item, packed.item),
	FIELD(item, bits),
	FIELD(item, view),
	FIELD(item, divisor),
	FIELD(item, array16),
	FIELD(item, array8),
	FIELD(item, array64),
	FIELD(item, big),
	SIZE(large),
	FIELD(rb_node, __rb_parent_color),
	FIELD(rb_node, rb_right),
	FIELD(rb_node, rb_left),
	LIMIT(NAME_SIZE),
	LIMIT(KINDS),
	LIMIT(LEVELS),
	LIMIT(BUCKETS),
	LIMIT(SLOTS),
	LIMIT(NUMBERS),
	LIMIT(BYTES),
	{ }
};
