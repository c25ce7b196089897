/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --relocatable --passes layout,relocate --emit llvm-ir %s -o - | FileCheck-22 %s
// Each way in which C names a member or an element becomes a load from the table, and what is the program's own stays.

#include <linux/kernel.h>
#include <gpufas/relocate.h>

struct GPUFAS_KERNEL_TYPE inner {
	int first, second;
};

struct GPUFAS_KERNEL_TYPE outer {
	int plain;
	union {
		long word;
		struct {
			short low, high;
		};
	};
	unsigned int low_bits : 3, more_bits : 5;
	struct inner array[4];
	struct inner contained;
	char bytes[8];
};

struct mine {
	int first, second;
};

extern struct outer variable;

// CHECK-LABEL: define {{.*}}@plain(
// CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.plain, {{.*}}!invariant.load
// CHECK: [[OUTER:%.*]] = load ptr
// CHECK: getelementptr i8, ptr [[OUTER]], i64 [[OFFSET]]
int plain(struct outer *outer) { return outer->plain; }

// A structure without a name counts for the one around it.
// CHECK-LABEL: define {{.*}}@high(
// CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.high
// CHECK: [[OUTER:%.*]] = load ptr
// CHECK: [[HIGH:%.*]] = getelementptr i8, ptr [[OUTER]], i64 [[OFFSET]]
// CHECK: store i16 1, ptr [[HIGH]]
void high(struct outer *outer) { outer->high = 1; }

// CHECK-LABEL: define {{.*}}@word(
// CHECK: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.word
long word(struct outer *outer) { return outer->word; }

// CHECK-LABEL: define {{.*}}@more_bits(
// CHECK: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.more_bits
unsigned int more_bits(struct outer *outer) { return outer->more_bits; }

// The size of the structure is looked up, too.
// CHECK-LABEL: define {{.*}}@element(
// CHECK-DAG: [[SIZE:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.size.inner
// CHECK-DAG: [[ARRAY:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.array
// CHECK-DAG: [[SECOND:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.inner.second
// CHECK: [[INDEX:%.*]] = sext i32
// CHECK: [[BYTES:%.*]] = mul i64 [[INDEX]], [[SIZE]]
// CHECK: getelementptr i8, ptr {{%.*}}, i64 [[BYTES]]
int element(struct outer *outer, int index) { return outer->array[index].second; }

// CHECK-LABEL: define {{.*}}@next(
// CHECK: [[SIZE:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.size.outer
// CHECK: [[BYTES:%.*]] = mul i64 1, [[SIZE]]
struct outer *next(struct outer *outer) { return outer + 1; }

// CHECK-LABEL: define {{.*}}@around(
// CHECK: [[OFFSET:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.contained
// CHECK: [[FROM_NULL:%.*]] = getelementptr i8, ptr null, i64 [[OFFSET]]
// CHECK: ptrtoint ptr [[FROM_NULL]] to i64
struct outer *around(struct inner *inner) { return container_of(inner, struct outer, contained); }

// The address of a variable.
// CHECK-LABEL: define {{.*}}@of_variable(
// CHECK-DAG: [[BYTES:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.bytes
// CHECK-DAG: getelementptr i8, ptr @variable, i64
char of_variable(void) { return variable.bytes[5]; }

// CHECK-LABEL: define {{.*}}@own(
// CHECK-NOT: gpufas.relocation
// CHECK: getelementptr {{.*}}%struct.mine, ptr {{%.*}}, i32 0, i32 1
int own(struct mine *mine) { return mine->second; }

// CHECK-LABEL: define {{.*}}@exists(
// CHECK: [[EXISTS:%.*]] = load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.exists.outer.word
// CHECK: trunc i64 [[EXISTS]] to i1
bool exists(void) { return gpufas_field_exists(struct outer, word); }

// An alignment that follows from the offset is none elsewhere.
// CHECK-LABEL: define {{.*}}@aligned(
// CHECK: [[FIRST:%.*]] = getelementptr i8, ptr {{%.*}}, i64
// CHECK: load i32, ptr [[FIRST]], align 4
int aligned(struct outer *outer) { return outer->plain; }
