/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes layout --emit llvm-ir %s -o - | FileCheck-22 %s
// Each way in which C names a member, on structures that are marked as the kernel's: members of unions and bit-fields are told
// apart although LLVM has one address for them, structures without a name count for the one around them, and offsetof() counts.

#include <linux/kernel.h>

#pragma clang attribute push(__attribute__((btf_decl_tag("gpufas:kernel"))), apply_to = record)

typedef struct {
	int counter;
} typedef_only;

struct inner {
	int first, second;
};

union named {
	long whole;
	char bytes[4];
	int not_used;
};

struct outer {
	int plain;
	union {
		long word;
		struct inner pair;
		struct {
			short low, high;
		};
	};
	unsigned int low_bits : 3, more_bits : 5;
	int signed_bits : 20;
	typedef_only only;
	struct outer *self;
	struct inner array[4];
	struct {
		int length;
		int unused;
	} pieces[2];
	union named together;
	int (*call)(struct outer *outer);
	struct inner contained;
	char not_used[8];
	int by_offset;
	long flexible[];
};

// Only stepped over.
struct stepped {
	long words[3];
};

struct by_value {
	int first, second;
};

#pragma clang attribute pop

int plain(struct outer *outer) { return outer->plain; }
long word(struct outer *outer) { return outer->self->word; }
int pair(struct outer *outer) { return outer->pair.second; }
void high(struct outer *outer) { outer->high = 1; }
unsigned int low_bits(struct outer *outer) { return outer->low_bits; }
void signed_bits(struct outer *outer) { outer->signed_bits++; }
int only(struct outer *outer) { return outer->only.counter; }
int element(struct outer *outer, int index) { return outer->array[index].second; }
int piece(struct outer *outer, int index) { return outer->pieces[index].length; }
long together(union named *named) { return named->whole; }
char byte(struct outer *outer, int index) { return outer->together.bytes[index]; }
int call(struct outer *outer) { return outer->call(outer); }
long flexible(struct outer *outer, int index) { return outer->flexible[index]; }
struct outer *around(struct inner *inner) { return container_of(inner, struct outer, contained); }
unsigned long offset(void) { return offsetof(struct outer, by_offset); }
struct stepped *next(struct stepped *stepped) { return stepped + 1; }
int first(struct inner *inner) { return inner->first; }

int by_value(struct by_value *from)
{
	struct by_value copy = *from;

	return copy.second;
}

// Where C wants a constant, offsetof() still is one.
_Static_assert(offsetof(struct inner, second) == 4, "");
enum { SECOND = offsetof(struct inner, second) };
static const unsigned long offsets[] = { offsetof(struct inner, first), offsetof(struct inner, second) };
int array_of_constant_size[offsetof(struct inner, second)];

int constant(int value)
{
	switch (value) {
	case offsetof(struct inner, second):
		return offsets[value & 1];
	}
	return __builtin_constant_p(offsetof(struct inner, second)) ? SECOND : -1;
}

// The structures are sorted by name.
// CHECK: !{!"struct by_value: 8 bytes", !"4 4 second: int"}
// CHECK: !{!"struct inner: 8 bytes", !"0 4 first: int", !"4 4 second: int"}
// CHECK: !{!"union named: 8 bytes", !"0 4 bytes: char[4]", !"0 8 whole: long"}
// CHECK: !{!"struct outer: 120 bytes", !"0 4 plain: int", !"8 8 pair: struct inner", !"8 8 word: long", !"10 2 high: short",
// CHECK-SAME: {{ *}}!"16:0 3 low_bits: unsigned int", !"17:0 20 signed_bits: int", !"20 4 only: typedef_only",
// CHECK-SAME: {{ *}}!"24 8 self: struct outer *", !"32 32 array: struct inner[4]", !"64 16 pieces: struct {...}[2]",
// CHECK-SAME: {{ *}}!"64 4 pieces[0].length: int", !"80 8 together: union named", !"88 8 call: int (*)()",
// CHECK-SAME: {{ *}}!"96 8 contained: struct inner", !"112 4 by_offset: int", !"120 0 flexible: long[]"}
// CHECK: !{!"struct stepped: 24 bytes"}
// CHECK: !{!"typedef_only: 4 bytes", !"0 4 counter: int"}
