/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who waits for a lock of the kernel's, and for how long: what to look at
 * before a lock is released that is somebody else's.
 *
 * A CPU that waits for a spinlock stands in a queue of nodes that each CPU has
 * four of, one for each context it can be in (kernel/locking/qspinlock.c). The
 * lock's word names the last of them; the first of all that wait needs no
 * node: a bit of the word says that there is one, but not who.
 *
 * In a virtual machine whose hypervisor does not offer more, there is no queue:
 * all try again and again (virt_spin_lock() in asm/qspinlock.h).
 *
 * Who waits without a node is known only from the registers that an interrupt has
 * saved on the stack while it waited, and not at all if interrupts are off.
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
 * gpufas_latest_cpu - the CPU that the scheduler has told the time last
 *
 * No clock of a CPU can be read from outside. The task that a CPU runs is told
 * the time when it begins to run and at each tick (update_curr() in
 * kernel/sched/fair.c).
 */
static inline unsigned int gpufas_latest_cpu(void)
{
	unsigned int cpu, latest = cpumask_first(cpu_online_mask);
	u64 time = 0;

	for_each_online_cpu(cpu) {
		u64 its = READ_ONCE(gpufas_cpu_task(cpu)->se.exec_start);

		if (its > time) {
			time = its;
			latest = cpu;
		}
	}

	return latest;
}

/*
 * gpufas_scheduler_time - the time as the scheduler has it, in nanoseconds
 *
 * It is at most a tick ago, unless no CPU has ticks: they take no interrupts, or
 * are idle. See gpufas_knows_time().
 */
static inline u64 gpufas_scheduler_time(void)
{
	return READ_ONCE(gpufas_cpu_task(gpufas_latest_cpu())->se.exec_start);
}

/*
 * gpufas_running_ms - for how long a task that runs has run without a switch, in milliseconds
 *
 * It has waited for what it waits for, spinning, at most as long, if the time is
 * known; else it has run for longer than this.
 */
static inline u64 gpufas_running_ms(const struct task_struct *task)
{
	u64 now = gpufas_scheduler_time(), since = task->sched_info.last_arrival;

	return now > since ? (now - since) / NSEC_PER_MSEC : 0;
}

/* gpufas_sleeping_ms - for how long at least a task that sleeps has not run, in milliseconds */
static inline u64 gpufas_sleeping_ms(const struct task_struct *task)
{
	u64 now = gpufas_scheduler_time(), since = READ_ONCE(task->se.exec_start);

	return now > since ? (now - since) / NSEC_PER_MSEC : 0;
}

/* gpufas_show_sleeping - say who sleeps for a lock, and for how long */
static inline void gpufas_show_sleeping(const struct task_struct *task)
{
	gpufas_log("%d (%s) has waited for at least %llu ms\n", task->pid, task->comm,
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
 * gpufas_spinning_registers - what an interrupt saved that met a task while it waited for a spinlock
 * @after:	what was found before, or NULL
 *
 * NULL if there is no more of them. What is left from an earlier wait counts too.
 */
static inline const struct pt_regs *gpufas_spinning_registers(const struct task_struct *task,
							      const struct pt_regs *after)
{
	const unsigned long *stack = task->stack;
	unsigned int at = after ? (const unsigned long *)after - stack + 1 : 0;

	for (; at + sizeof(struct pt_regs) / 8 <= THREAD_SIZE / 8; at++) {
		const struct pt_regs *regs = (const struct pt_regs *)&stack[at];

		if (READ_ONCE(regs->ip) - (unsigned long)gpufas_lock_slowpath < GPUFAS_SLOWPATH_SIZE &&
		    (u16)regs->cs == __KERNEL_CS)
			return regs;
	}

	return NULL;
}

/*
 * gpufas_spins_on - the lock that a task that runs is waiting for, spinning without a node
 *
 * NULL if no interrupt has met it there. Registers that are left from an
 * earlier wait count too: so this is a hint, to be taken with for how long the
 * task has run.
 */
static inline struct qspinlock *gpufas_spins_on(const struct task_struct *task)
{
	const struct pt_regs *regs = NULL;

	while ((regs = gpufas_spinning_registers(task, regs))) {
		/* The first argument, which the loop uses. */
		struct qspinlock *lock = (struct qspinlock *)regs->di;
		u32 word;

		if ((long)lock >= 0 || (unsigned long)lock % sizeof(word) ||
		    get_kernel_nofault(word, &lock->val.counter))
			continue;
		if ((word & _Q_LOCKED_MASK) == _Q_LOCKED_VAL)
			return lock;
	}

	return NULL;
}

/* Whether a CPU waits for a lock, and stands in no queue. */
static inline bool gpufas_waits_without_node(unsigned int cpu, const struct qspinlock *lock)
{
	return !gpufas_queue_node(cpu, 0) && gpufas_spins_on(gpufas_cpu_task(cpu)) == lock;
}

/*
 * gpufas_knows_time - whether gpufas_scheduler_time() is that of a CPU that takes interrupts
 * @some_are_hidden:	whether a CPU that stands in no queue may wait with interrupts off
 *
 * An interrupt has met it while it waited; or it neither waits nor is idle, so
 * that it has ticks.
 */
static inline bool gpufas_knows_time(bool some_are_hidden)
{
	unsigned int cpu = gpufas_latest_cpu();
	const struct task_struct *task = gpufas_cpu_task(cpu);

	if (gpufas_spinning_registers(task, NULL))
		return true;

	return !some_are_hidden && !gpufas_queue_node(cpu, 0) && !is_idle_task(task);
}

/* Say where a CPU waits, who that is, and for how long. */
#define gpufas_show_spinner(task, is_time_known, format, ...)				\
	gpufas_log(format ": %d (%s), for %s %llu ms\n", ##__VA_ARGS__, (task)->pid,	\
		   (task)->comm, (is_time_known) ? "at most" :				\
		   "a time that is not known; it has run for at least",			\
		   gpufas_running_ms(task))

/*
 * gpufas_show_spinning - say who waits for a spinning lock, and for how long
 *
 * Returns how many wait.
 */
static inline int gpufas_show_spinning(struct qspinlock *lock)
{
	u32 word = atomic_read(&lock->val);
	struct mcs_spinlock *tail = gpufas_tail_node(word);
	unsigned int cpu, index, behind, without_node = 0;
	bool is_next = word & _Q_PENDING_MASK, is_time_known;
	int waiters = 0;

	for_each_online_cpu(cpu)
		if ((is_next || word == _Q_LOCKED_VAL) && gpufas_waits_without_node(cpu, lock))
			without_node++;
	is_time_known = gpufas_knows_time(is_next && !without_node);

	if (is_next) {
		waiters++;
		if (!without_node)
			gpufas_log("a CPU is next, and waits without a place in the queue\n");
	}

	for_each_online_cpu(cpu) {
		const struct task_struct *task = gpufas_cpu_task(cpu);

		if (without_node && gpufas_waits_without_node(cpu, lock)) {
			/* One is next. Others have been there, and went on. */
			if (is_next) {
				gpufas_show_spinner(task, is_time_known,
						    "CPU %u %s next, without a place in the queue",
						    cpu, without_node == 1 ? "is" : "may be");
			} else {
				gpufas_show_spinner(task, is_time_known, "CPU %u spins", cpu);
				waiters++;
			}
		}

		for (index = 0; tail && index < GPUFAS_QUEUE_NODES; index++) {
			struct mcs_spinlock *node = gpufas_queue_node(cpu, index);

			if (!node || gpufas_last_in_queue(node, &behind) != tail)
				continue;

			gpufas_show_spinner(task, is_time_known,
					    "CPU %u waits in the queue, %u behind it", cpu, behind);
			waiters++;
		}
	}

	return waiters;
}

#endif /* _GPUFAS_LOCK_WAITERS_H */
