/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes layout --emit llvm-ir %s -o - | FileCheck-22 %s
// RUN: gpufas-cc --kernel-headers %kernel --relocatable --passes layout,relocate --emit llvm-ir %s -o - | FileCheck-22 --check-prefix MOVED %s
// In the address of a constant LLVM leaves out the steps to what comes first, as to `preempt_count` of pcpu_hot in 6.12.

#define KERNELS __attribute__((btf_decl_tag("gpufas:kernel")))

struct KERNELS first {
	int number, other;
};

struct KERNELS hot {
	union {
		struct {
			void *task;
			int count;
		};
		char padding[64];
	};
};

struct KERNELS inner {
	struct first first;
	long last;
};

struct KERNELS outer {
	struct first first;
	struct inner inner;
};

extern struct hot hot;
extern struct outer outer;

// MOVED-LABEL: define {{.*}}@count(
// MOVED: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.hot.count
int count(void) { return hot.count; }

// MOVED-LABEL: define {{.*}}@nested(
// MOVED: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.first.other
int nested(void) { return outer.first.other; }

// Both steps are relocated, and what is first has to stay that.
// MOVED-LABEL: define {{.*}}@deep(
// MOVED-DAG: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.outer.inner
// MOVED-DAG: load i64, ptr @gpufas.relocation.{{[0-9a-f]+}}.offset.first.other
int deep(void) { return outer.inner.first.other; }

// CHECK: !{!"struct first: 8 bytes", !"4 4 other: int"}
// CHECK: !{!"struct hot: 64 bytes", !"8 4 count: int"}
// CHECK: !{!"struct inner: 16 bytes", !"0 8 first: struct first"}
// CHECK: !{!"struct outer: 24 bytes", !"0 8 first: struct first", !"8 16 inner: struct inner"}
