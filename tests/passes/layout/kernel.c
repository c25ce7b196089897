/* SPDX-License-Identifier: GPL-2.0 */
// RUN: gpufas-cc --kernel-headers %kernel --passes layout --emit llvm-ir %s -o - | FileCheck-22 %s
// Structures of the kernel's headers count, those of the program and of headers of ours do not; neither does what no entry point
// reaches.

#include <gpufas/gpufas.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/sched/signal.h>

// CHECK-NOT: struct address_space
// CHECK-NOT: struct mine
// CHECK-DAG: !{!"struct list_head: 16 bytes", !"0 8 next: struct list_head *"}
// CHECK-DAG: !{!"atomic_t: 4 bytes", !"0 4 counter: int"}
// CHECK-DAG: !{!"struct page: 64 bytes", !"24 8 mapping: struct address_space *"}
// CHECK-DAG: !{!"struct qspinlock: 4 bytes", !"0 4 val: atomic_t"}
// CHECK-DAG: !{!"struct task_struct: {{[0-9]+}} bytes", {{.*}}!"{{[0-9]+}} 16 tasks: struct list_head", {{.*}}!"{{[0-9]+}} 16 comm: char[16]"
// CHECK-NOT: struct address_space
// CHECK-NOT: struct mine
// So do constants of enumerations that the text mentions.
// CHECK-NOT: PIDTYPE_SID
// CHECK-DAG: !{!"true = 1"}
// CHECK-DAG: !{!"enum pid_type PIDTYPE_TGID = 1"}
// CHECK-NOT: PIDTYPE_SID
// CHECK-NOT: MY_TYPE
enum { MY_TYPE = PIDTYPE_TGID };

struct mine {
	struct task_struct *task;
	int count;
};

static bool is_held(spinlock_t *lock)
{
	return spin_is_locked(lock);
}

GPUFAS_ENTRY(count, "counts", u64, address)
{
	struct mine mine = { .count = 0 };
	struct page *page = (struct page *)address;

	for_each_process(mine.task)
		if (mine.task->comm[0] && !is_held(&mine.task->alloc_lock) && page->mapping)
			mine.count++;
	mine.count += PIDTYPE_TGID + MY_TYPE;
	return mine.count;
}

unsigned long not_reached(struct address_space *space)
{
	return space->nrpages + PIDTYPE_SID;
}
