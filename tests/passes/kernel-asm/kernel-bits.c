/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,optimize --emit llvm-ir %s -o - | FileCheck-22 %s
// The kernel's own bit operations, from its headers to IR.

#include <linux/bitops.h>

// CHECK-LABEL: @set(
// CHECK: [[BYTE:%.*]] = getelementptr i8, ptr {{%.*}}, i64 12
// CHECK: atomicrmw or ptr [[BYTE]], i8 16 seq_cst, align 1
void set(unsigned long *words) { set_bit(100, words); }

// CHECK-LABEL: @clear(
// CHECK: atomicrmw and ptr {{%.*}}, i8 {{%.*}} seq_cst, align 1
void clear(unsigned long *words, long number) { clear_bit(number, words); }

// CHECK-LABEL: @test_and_set(
// CHECK: [[OLD:%.*]] = atomicrmw or ptr {{%.*}}, i8 {{%.*}} seq_cst, align 1
// CHECK: [[BIT:%.*]] = and i8 [[OLD]]
// CHECK: icmp ne i8 [[BIT]], 0
bool test_and_set(unsigned long *words, long number) { return test_and_set_bit(number, words); }

// CHECK-LABEL: @test(
// CHECK: load volatile i8, ptr
bool test(unsigned long *words, long number) { return test_bit(number, words); }
