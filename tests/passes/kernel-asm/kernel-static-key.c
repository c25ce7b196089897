/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// Both kinds of static keys of the kernel's headers, each with a likely and an unlikely branch.

#include <linux/jump_label.h>

DECLARE_STATIC_KEY_TRUE(usually);
DECLARE_STATIC_KEY_FALSE(rarely);

// CHECK-LABEL: @likely_true(
// CHECK: [[COUNT:%.*]] = load volatile i32, ptr @usually, align 8
// CHECK: [[ENABLED:%.*]] = icmp ne i32 [[COUNT]], 0
// CHECK: [[RESULT:%.*]] = zext i1 [[ENABLED]] to i32
// CHECK: ret i32 [[RESULT]]
int likely_true(void) { return static_branch_likely(&usually); }

// CHECK-LABEL: @unlikely_true(
// CHECK: [[COUNT:%.*]] = load volatile i32, ptr @usually, align 8
// CHECK: [[ENABLED:%.*]] = icmp ne i32 [[COUNT]], 0
// CHECK: [[RESULT:%.*]] = zext i1 [[ENABLED]] to i32
// CHECK: ret i32 [[RESULT]]
int unlikely_true(void) { return static_branch_unlikely(&usually); }

// CHECK-LABEL: @likely_false(
// CHECK: [[COUNT:%.*]] = load volatile i32, ptr @rarely, align 8
// CHECK: [[ENABLED:%.*]] = icmp ne i32 [[COUNT]], 0
// CHECK: [[RESULT:%.*]] = zext i1 [[ENABLED]] to i32
// CHECK: ret i32 [[RESULT]]
int likely_false(void) { return static_branch_likely(&rarely); }

// CHECK-LABEL: @unlikely_false(
// CHECK: [[COUNT:%.*]] = load volatile i32, ptr @rarely, align 8
// CHECK: [[ENABLED:%.*]] = icmp ne i32 [[COUNT]], 0
// CHECK: [[RESULT:%.*]] = zext i1 [[ENABLED]] to i32
// CHECK: ret i32 [[RESULT]]
int unlikely_false(void) { return static_branch_unlikely(&rarely); }
