/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who waits for a lock of the kernel's, and for how long: what to look at
 * before a lock is released that is somebody else's.
 *
 * A CPU that waits for a spinlock stands in a queue of nodes that each CPU has
 * four of, one for each context it can be in (kernel/locking/qspinlock.c). The
 * lock's word names the last of them; the first of all that wait needs no
 * node, and is known only by a bit of the word.
 *
 * In a virtual machine whose hypervisor does not offer more, there is no queue:
 * all try again and again (virt_spin_lock() in asm/qspinlock.h). Who waits is
 * then known only from the registers that an interrupt has saved on the stack
 * while it waited, and not at all if interrupts are off.
 */
#ifndef _GPUFAS_LOCK_WAITERS_H
#define _GPUFAS_LOCK_WAITERS_H

#include <gpufas/gpufas.h>

#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include <asm/ptrace.h>
#include <asm/segment.h>

/* A copy of a structure that only the kernel's sources declare; it is compared with the kernel's own. */
#define gpufas_copy_of_kernel __attribute__((btf_decl_tag("gpufas:kernel")))

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#include <asm-generic/mcs_spinlock.h>
#else
/* kernel/locking/mcs_spinlock.h */
struct gpufas_copy_of_kernel mcs_spinlock {
	struct mcs_spinlock *next;
	int locked;
	int count;
};
#endif

/* kernel/locking/qspinlock.c */
struct gpufas_copy_of_kernel qnode {
	struct mcs_spinlock mcs;
#ifdef GPUFAS_HAS_PARAVIRT_SPINLOCKS
	long reserved[2];
#endif
};

/* _Q_MAX_NODES: a task, a soft interrupt, an interrupt, an NMI */
#define GPUFAS_QUEUE_NODES 4

DECLARE_PER_CPU(struct qnode, gpufas_qnodes[GPUFAS_QUEUE_NODES]) __asm__("*:qnodes");

/* gpufas_cpu_task - the task that a CPU runs */
static inline struct task_struct *gpufas_cpu_task(unsigned int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return per_cpu(pcpu_hot.current_task, cpu);
#else
	return per_cpu(current_task, cpu);
#endif
}

/*
 * gpufas_scheduler_time - the time as the scheduler has it, in nanoseconds
 *
 * No clock of a CPU can be read from outside. The task that a CPU runs is told
 * the time at each tick (update_curr() in kernel/sched/fair.c); the latest of
 * these times is at most a tick ago, unless no CPU takes interrupts.
 */
static inline u64 gpufas_scheduler_time(void)
{
	u64 latest = 0;
	unsigned int cpu;

	for_each_online_cpu(cpu)
		latest = max(latest, READ_ONCE(gpufas_cpu_task(cpu)->se.exec_start));

	return latest;
}

/*
 * gpufas_running_ms - for how long a task that runs has run without a switch, in milliseconds
 *
 * It has waited for what it waits for, spinning, at most as long.
 */
static inline u64 gpufas_running_ms(const struct task_struct *task)
{
	u64 now = gpufas_scheduler_time(), since = task->sched_info.last_arrival;

	return now > since ? (now - since) / NSEC_PER_MSEC : 0;
}

/* gpufas_sleeping_ms - for how long a task that sleeps has not run, in milliseconds */
static inline u64 gpufas_sleeping_ms(const struct task_struct *task)
{
	u64 now = gpufas_scheduler_time(), since = READ_ONCE(task->se.exec_start);

	return now > since ? (now - since) / NSEC_PER_MSEC : 0;
}

/* gpufas_show_sleeping - say who sleeps for a lock, and for how long */
static inline void gpufas_show_sleeping(const struct task_struct *task)
{
	gpufas_log("%d (%s) has waited for %llu ms\n", task->pid, task->comm,
		   gpufas_sleeping_ms(task));
}

/* gpufas_queue_node - a node of a CPU's, NULL if the CPU does not use it */
static inline struct mcs_spinlock *gpufas_queue_node(unsigned int cpu, unsigned int index)
{
	struct qnode *nodes = per_cpu(gpufas_qnodes, cpu);

	/* The first counts how many are in use. */
	return index < READ_ONCE(nodes[0].mcs.count) ? &nodes[index].mcs : NULL;
}

/*
 * gpufas_tail_node - the last node of a lock's queue: decode_tail()
 *
 * NULL if nobody stands in the queue, or if the word names a CPU that there is
 * not, as that of no lock.
 */
static inline struct mcs_spinlock *gpufas_tail_node(u32 word)
{
	unsigned int cpu = word >> _Q_TAIL_CPU_OFFSET;
	unsigned int index = (word & _Q_TAIL_IDX_MASK) >> _Q_TAIL_IDX_OFFSET;

	if (!cpu || cpu > nr_cpu_ids || !cpu_possible(cpu - 1))
		return NULL;

	return &per_cpu(gpufas_qnodes, cpu - 1)[index].mcs;
}

/* gpufas_last_in_queue - the last node behind one. A queue has a node of each context of each CPU at most. */
static inline struct mcs_spinlock *gpufas_last_in_queue(struct mcs_spinlock *node, unsigned int *behind)
{
	struct mcs_spinlock *next;

	for (*behind = 0; *behind < GPUFAS_QUEUE_NODES * nr_cpu_ids; (*behind)++) {
		next = READ_ONCE(node->next);
		if (!next)
			break;
		node = next;
	}

	return node;
}

/* Where CPUs wait for a lock, and about how long the function is, in bytes. */
extern const char gpufas_lock_slowpath[] __asm__("native_queued_spin_lock_slowpath");
#define GPUFAS_SLOWPATH_SIZE 0x300

/*
 * gpufas_spins_on - the lock that a task that runs is waiting for, spinning
 *
 * NULL if no interrupt has met it there. Registers that are left from an
 * earlier wait count too: so this is a hint, to be taken with for how long the
 * task has run.
 */
static inline struct qspinlock *gpufas_spins_on(const struct task_struct *task)
{
	const unsigned long *stack = task->stack;
	unsigned int at;

	for (at = 0; at + sizeof(struct pt_regs) / 8 <= THREAD_SIZE / 8; at++) {
		const struct pt_regs *regs = (const struct pt_regs *)&stack[at];
		struct qspinlock *lock;
		u32 word;

		if (READ_ONCE(regs->ip) - (unsigned long)gpufas_lock_slowpath >= GPUFAS_SLOWPATH_SIZE ||
		    (u16)regs->cs != __KERNEL_CS)
			continue;

		/* The first argument, which the loop uses. */
		lock = (struct qspinlock *)regs->di;
		if ((long)lock >= 0 || (unsigned long)lock % sizeof(word) ||
		    get_kernel_nofault(word, &lock->val.counter))
			continue;
		if ((word & _Q_LOCKED_MASK) == _Q_LOCKED_VAL)
			return lock;
	}

	return NULL;
}

/*
 * gpufas_show_spinning - say who waits for a spinning lock, and for how long
 *
 * Returns how many wait.
 */
static inline int gpufas_show_spinning(struct qspinlock *lock)
{
	u32 word = atomic_read(&lock->val);
	struct mcs_spinlock *tail = gpufas_tail_node(word);
	unsigned int cpu, index, behind;
	int waiters = 0;

	if (word & _Q_PENDING_MASK) {
		gpufas_log("a CPU is next, and waits without a place in the queue\n");
		waiters++;
	}

	for_each_online_cpu(cpu) {
		struct task_struct *task = gpufas_cpu_task(cpu);

		/* Without a queue */
		if (word == _Q_LOCKED_VAL && gpufas_spins_on(task) == lock) {
			gpufas_log("CPU %u spins: %d (%s), for at most %llu ms\n", cpu, task->pid,
				   task->comm, gpufas_running_ms(task));
			waiters++;
		}

		for (index = 0; tail && index < GPUFAS_QUEUE_NODES; index++) {
			struct mcs_spinlock *node = gpufas_queue_node(cpu, index);

			if (!node || gpufas_last_in_queue(node, &behind) != tail)
				continue;

			gpufas_log("CPU %u waits in the queue, %u behind it: %d (%s), for at most %llu ms\n",
				   cpu, behind, task->pid, task->comm, gpufas_running_ms(task));
			waiters++;
		}
	}

	return waiters;
}

#endif /* _GPUFAS_LOCK_WAITERS_H */
