// SPDX-License-Identifier: GPL-2.0
/*
 * Deadlocks for tests: CPUs that wait for a lock which nobody releases.
 *
 *	echo "KIND INTERRUPTS [CPUS]" > /sys/module/deadlock/parameters/start
 *	cat /sys/module/deadlock/parameters/status
 *
 * KIND is raw (raw_spinlock_t), spin (spinlock_t), mutex (struct mutex, whose
 * owner is dead) or, with PREEMPT_RT only, orphan (spinlock_t, whose owner is dead);
 * INTERRUPTS is on or off, and says in what state a CPU spins; CPUS is a list as
 * 0,2-3, or none, and all CPUs that are on line if it is left out. Half a second
 * after the command a thread on each of these CPUs waits, so that whoever gave it
 * still gets an answer. The status is
 *
 *	KIND INTERRUPTS: STARTED started, PROCEEDED proceeded, lock ADDRESS
 *
 * Once all have proceeded the next command may come. Removing the module
 * releases what it holds, so that it ends its own deadlock where it still can.
 *
 * With PREEMPT_RT a spinlock_t has an owner, and who waits for it sleeps: a thread
 * holds it, and goes on only when the module is removed.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

enum kind { RAW, SPIN, MUTEX, ORPHAN, KINDS };

static const char *const kind_names[KINDS] = { "raw", "spin", "mutex", "orphan" };

static DEFINE_RAW_SPINLOCK(raw_lock);
static DEFINE_SPINLOCK(spin_lock_of_tests);
static DEFINE_MUTEX(mutex_of_tests);

static enum kind kind;
static bool interrupts_off;
/* Exported to be read from outside, where the system answers nobody. */
atomic_t gpufas_deadlock_started = ATOMIC_INIT(0);
EXPORT_SYMBOL(gpufas_deadlock_started);
atomic_t gpufas_deadlock_proceeded = ATOMIC_INIT(0);
EXPORT_SYMBOL(gpufas_deadlock_proceeded);
void *gpufas_deadlock_lock;
EXPORT_SYMBOL(gpufas_deadlock_lock);
static unsigned int waiters;

static struct task_struct *owner;	/* of a lock that has one */
static struct task_struct **threads;	/* by CPU */
static DECLARE_COMPLETION(owner_has_it);
static DEFINE_MUTEX(command);

#define DELAY_MS 200

/* A raw lock that was taken and not released. No CPU's preemption count tells of it. */
static arch_spinlock_t *spinning(void)
{
#ifndef CONFIG_PREEMPT_RT
	if (kind == SPIN)
		return &spin_lock_of_tests.rlock.raw_lock;
#endif
	return &raw_lock.raw_lock;
}

static bool has_owner(void)
{
	return kind == MUTEX || kind == ORPHAN || (kind == SPIN && IS_ENABLED(CONFIG_PREEMPT_RT));
}

static void *lock_address(void)
{
	switch (kind) {
	case RAW:
		return &raw_lock;
	case SPIN:
	case ORPHAN:
		return &spin_lock_of_tests;
	default:
		return &mutex_of_tests;
	}
}

/* Takes a lock, and ends with it if the owner is to be dead. */
static int own(void *unused)
{
	if (kind == MUTEX) {
		mutex_lock(&mutex_of_tests);
		complete(&owner_has_it);
		return 0;
	}
	spin_lock(&spin_lock_of_tests);
	complete(&owner_has_it);
	if (kind == ORPHAN)
		return 0;
	/* Whoever has it reads under RCU, and must not sleep then. */
	rcu_read_unlock();
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	rcu_read_lock();
	spin_unlock(&spin_lock_of_tests);
	return 0;
}

static int wait(void *unused)
{
	unsigned long flags;

	msleep(DELAY_MS);
	atomic_inc(&gpufas_deadlock_started);
	if (kind == MUTEX) {
		mutex_lock(&mutex_of_tests);
		atomic_inc(&gpufas_deadlock_proceeded);
		mutex_unlock(&mutex_of_tests);
	} else if (kind == RAW && interrupts_off) {
		raw_spin_lock_irqsave(&raw_lock, flags);
		atomic_inc(&gpufas_deadlock_proceeded);
		raw_spin_unlock_irqrestore(&raw_lock, flags);
	} else if (kind == RAW) {
		raw_spin_lock(&raw_lock);
		atomic_inc(&gpufas_deadlock_proceeded);
		raw_spin_unlock(&raw_lock);
	} else if (interrupts_off) {
		spin_lock_irqsave(&spin_lock_of_tests, flags);
		atomic_inc(&gpufas_deadlock_proceeded);
		spin_unlock_irqrestore(&spin_lock_of_tests, flags);
	} else {
		spin_lock(&spin_lock_of_tests);
		atomic_inc(&gpufas_deadlock_proceeded);
		spin_unlock(&spin_lock_of_tests);
	}
	return 0;
}

/* Ends what was started before, once all of it has proceeded. */
static void collect(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!threads[cpu])
			continue;
		kthread_stop(threads[cpu]);
		put_task_struct(threads[cpu]);
		threads[cpu] = NULL;
	}
	if (owner) {
		kthread_stop(owner);
		put_task_struct(owner);
		owner = NULL;
	}
	waiters = 0;
	atomic_set(&gpufas_deadlock_started, 0);
	atomic_set(&gpufas_deadlock_proceeded, 0);
}

/*
 * In place of an owner that is dead. Whoever unlocks is not asked whether it is the
 * owner: the waiter that is woken leaves the dead one's list of those who lend it
 * priority as it is, and nobody looks at that again.
 */
static void release_for_the_dead(void)
{
	if (kind == MUTEX) {
		mutex_unlock(&mutex_of_tests);
		return;
	}
#ifdef CONFIG_PREEMPT_RT
	rcu_read_lock();
	migrate_disable();
	spin_unlock(&spin_lock_of_tests);
#endif
}

static struct task_struct *begin_thread(int (*function)(void *), int cpu, const char *name)
{
	struct task_struct *thread = kthread_create(function, NULL, "%s/%d", name, cpu);

	if (IS_ERR(thread))
		return NULL;
	/* It may end before it is collected. */
	get_task_struct(thread);
	if (cpu >= 0)
		kthread_bind(thread, cpu);
	wake_up_process(thread);
	return thread;
}

static int begin(enum kind new_kind, bool off, const struct cpumask *cpus)
{
	unsigned int cpu;

	if (atomic_read(&gpufas_deadlock_proceeded) < waiters)
		return -EBUSY;
	collect();
	kind = new_kind;
	interrupts_off = off;
	WRITE_ONCE(gpufas_deadlock_lock, lock_address());

	if (has_owner()) {
		reinit_completion(&owner_has_it);
		owner = begin_thread(own, -1, "owner");
		if (!owner)
			return -ENOMEM;
		wait_for_completion(&owner_has_it);
	} else if (!arch_spin_trylock(spinning())) {
		return -EBUSY;
	}

	for_each_cpu(cpu, cpus) {
		threads[cpu] = begin_thread(wait, cpu, "waiter");
		if (!threads[cpu])
			return -ENOMEM;
		waiters++;
	}
	return 0;
}

static int set_start(const char *text, const struct kernel_param *param)
{
	char name[8], state[8], list[32] = "";
	int fields, kind_number, error;
	cpumask_var_t cpus;

	fields = sscanf(text, "%7s %7s %31s", name, state, list);
	kind_number = fields >= 2 ? match_string(kind_names, KINDS, name) : -EINVAL;
	if (kind_number < 0 || (strcmp(state, "on") && strcmp(state, "off")))
		return -EINVAL;
	if (kind_number == ORPHAN && !IS_ENABLED(CONFIG_PREEMPT_RT))
		return -EOPNOTSUPP;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;

	if (strcmp(list, "none"))
		cpumask_copy(cpus, cpu_online_mask);
	error = fields == 3 && strcmp(list, "none") ? cpulist_parse(list, cpus) : 0;
	if (!error && !cpumask_subset(cpus, cpu_online_mask))
		error = -ENXIO;
	if (!error) {
		mutex_lock(&command);
		error = begin(kind_number, strcmp(state, "off") == 0, cpus);
		mutex_unlock(&command);
	}
	free_cpumask_var(cpus);
	return error;
}

static int get_status(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s %s: %d started, %d proceeded, lock %px\n", kind_names[kind],
			  interrupts_off ? "off" : "on", atomic_read(&gpufas_deadlock_started),
			  atomic_read(&gpufas_deadlock_proceeded), lock_address());
}

static const struct kernel_param_ops start_operations = { .set = set_start };
static const struct kernel_param_ops status_operations = { .get = get_status };

module_param_cb(start, &start_operations, NULL, 0200);
MODULE_PARM_DESC(start, "KIND INTERRUPTS [CPUS]: makes a deadlock");
module_param_cb(status, &status_operations, NULL, 0400);
MODULE_PARM_DESC(status, "who waits, who has proceeded, and for which lock");

static int __init deadlock_init(void)
{
	threads = kcalloc(nr_cpu_ids, sizeof(*threads), GFP_KERNEL);
	return threads ? 0 : -ENOMEM;
}

static void __exit deadlock_exit(void)
{
	if (atomic_read(&gpufas_deadlock_proceeded) < waiters && !has_owner() &&
	    arch_spin_is_locked(spinning()))
		arch_spin_unlock(spinning());
	if (owner && kind == SPIN) {
		kthread_stop(owner);
		put_task_struct(owner);
		owner = NULL;
	}
	if (atomic_read(&gpufas_deadlock_proceeded) < waiters && (kind == MUTEX || kind == ORPHAN))
		release_for_the_dead();
	collect();
	kfree(threads);
}

module_init(deadlock_init);
module_exit(deadlock_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Deadlocks for tests");
