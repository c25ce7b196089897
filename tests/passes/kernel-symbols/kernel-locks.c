/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes kernel-asm,kernel-symbols,optimize --emit llvm-ir %s -o - | FileCheck-22 %s --implicit-check-not=gpufas_lock_taken
// RUN: gpufas-cc --kernel-headers %kernel --locks take --target host --passes kernel-asm,kernel-symbols,optimize --emit llvm-ir %s -o - | FileCheck-22 %s --check-prefix=TAKE
// RUN: not gpufas-cc --kernel-headers %kernel --locks take --target cuda --passes kernel-asm,kernel-symbols,optimize,reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s --check-prefix=GPU
// RUN: not gpufas-cc --kernel-headers %kernel --locks refuse --target host --passes kernel-asm,kernel-symbols,optimize,reachability --emit llvm-ir %s -o - 2>&1 | FileCheck-22 %s --check-prefix=REFUSE
// What locks mean in a program, in each mode.

#include <linux/bit_spinlock.h>
#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

// GPU: kernel-locks.c:[[#@LINE+18]]{{.*}}a lock of the kernel's cannot be taken from a GPU
// REFUSE: kernel-locks.c:[[#@LINE+17]]{{.*}}it takes a lock of the kernel's, which --locks refuse makes an error

// A lock that is free is left as it is. One that is taken is on record, so that it can be released for a program that does not.
// CHECK-LABEL: @take_spin(
// CHECK-NOT: atomicrmw
// CHECK: [[WORD:%.*]] = load {{.*}}i32, ptr %0
// CHECK: icmp eq i32 [[WORD]], 0
// CHECK-NOT: store {{.*}}, ptr %0
// TAKE-LABEL: @take_spin(
// TAKE: call void @gpufas_lock_taking(ptr {{.*}}%0, i32 {{.*}}4)
// TAKE: cmpxchg ptr %0, i32 0, i32 1 seq_cst
// TAKE: call void @gpufas_lock_taken(ptr {{.*}}%0, i32 {{.*}}4, i64 {{.*}}1, i64 {{.*}}255)
// TAKE-NEXT: store volatile i32 %2, ptr %1
// TAKE: cmpxchg ptr %0, i8 1, i8 0 seq_cst
// TAKE: call void @gpufas_lock_released(ptr {{.*}}%0, i32 {{.*}}4)
void take_spin(spinlock_t *lock, int *to, int value)
{
	spin_lock(lock);
	WRITE_ONCE(*to, value);
	spin_unlock(lock);
}
// CHECK: call void @gpufas_lock_held(ptr {{.*}}%0)
// CHECK-NEXT: unreachable

// CHECK-LABEL: @take_interrupts(
// CHECK-NOT: refused
// CHECK: load {{.*}}i32, ptr %0
// CHECK-NOT: cmpxchg
// CHECK: ret void
void take_interrupts(raw_spinlock_t *lock, int *to)
{
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	WRITE_ONCE(*to, 1);
	raw_spin_unlock_irqrestore(lock, flags);
}

// CHECK-LABEL: @take_bit(
// CHECK: call void @gpufas_lock_held(
// CHECK-NOT: atomicrmw
// TAKE-LABEL: @take_bit(
// TAKE: atomicrmw or
// TAKE: call void @gpufas_lock_taken(ptr {{.*}}%0, i32 {{.*}}8, i64 {{.*}}8, i64 {{.*}}8)
// TAKE: atomicrmw and
// TAKE: call void @gpufas_lock_released(ptr {{.*}}%0, i32 {{.*}}8)
void take_bit(unsigned long *word)
{
	bit_spin_lock(3, word);
	bit_spin_unlock(3, word);
}

// CHECK-LABEL: @take_mutex(
// CHECK-NOT: cmpxchg
// CHECK: call void @gpufas_lock_held(
// TAKE-LABEL: @take_mutex(
// TAKE: cmpxchg ptr %0, i64 0, i64 [[OWNER:%[^ ]+]] seq_cst
// TAKE: call void @gpufas_lock_taken(ptr {{.*}}%0, i32 {{.*}}8, i64 {{.*}}[[OWNER]], i64 {{.*}}-8)
// TAKE: cmpxchg ptr %0, i64 {{%.*}}, i64 0 seq_cst
// TAKE: call void @gpufas_lock_released(ptr {{.*}}%0, i32 {{.*}}8)
void take_mutex(struct mutex *lock)
{
	mutex_lock(lock);
	mutex_unlock(lock);
}

// Readers of these count inline, and in passing would leave a count behind.
// CHECK-LABEL: @take_percpu(
// CHECK-NOT: atomicrmw
// CHECK: call void @gpufas_lock_held(
// CHECK-NOT: atomicrmw
// TAKE-LABEL: @take_percpu(
// TAKE: atomicrmw
// TAKE: call void @gpufas_lock_taken({{.*}}, i32 {{.*}}4, i64 {{.*}}1, i64 {{.*}}0)
// TAKE: atomicrmw
// TAKE: call void @gpufas_lock_released(
void take_percpu(struct percpu_rw_semaphore *lock)
{
	percpu_down_read(lock);
	percpu_up_read(lock);
}

// CHECK-LABEL: @try_semaphore(
// CHECK: [[COUNT:%.*]] = load {{.*}}i64, ptr %0
// CHECK: icmp eq i64 [[COUNT]], 0
// CHECK-NOT: gpufas_lock_held
// CHECK: ret i32
// TAKE-LABEL: @try_semaphore(
// TAKE: cmpxchg ptr %0, i64 0, i64 1 seq_cst
// TAKE: call void @gpufas_lock_taken(ptr {{.*}}%0, i32 {{.*}}8, i64 {{.*}}1, i64 {{.*}}1)
int try_semaphore(struct rw_semaphore *lock)
{
	return down_write_trylock(lock);
}
