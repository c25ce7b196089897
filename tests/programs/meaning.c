/* SPDX-License-Identifier: GPL-2.0 */
/* What kernel code means away from the kernel's CPUs: docs/meaning.md. */
#include <gpufas/gpufas.h>
#include <gpufas/task.h>

#include <linux/bug.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

GPUFAS_ENTRY(this_cpu, "say as which CPU it runs, and whose task is current")
{
	unsigned long flags;
	int cpu;

	local_irq_save(flags);
	cpu = get_cpu();
	if (task_cpu(current) != cpu || !current->on_cpu)
		return -EINVAL;
	put_cpu();
	local_irq_restore(flags);
	gpufas_log("CPU %d runs %s\n", cpu, current->comm);
	return cpu;
}

GPUFAS_ENTRY(guarded, "write under the lock of a process's signals", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	spin_lock_irq(&task->sighand->siglock);
	WRITE_ONCE(task->pdeath_signal, task->pdeath_signal);
	spin_unlock_irq(&task->sighand->siglock);
	return 0;
}

GPUFAS_ENTRY(format, "make texts in memory as the kernel does", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);
	static char kept[32];
	char text[24];
	int right = 0;

	if (!task)
		return -ESRCH;
	right += snprintf(text, sizeof(text), "%s/%d", task->comm, pid) == strlen(text);
	gpufas_log("%s\n", text);
	/* What does not fit is counted by one, and not by the other. */
	right += snprintf(text, 5, "%08llx", 0x123456789abcULL) == 12 && !strcmp(text, "1234");
	right += scnprintf(text, 5, "%-8s|", "ab") == 4 && !strcmp(text, "ab  ");
	right += snprintf(NULL, 0, "%*d", 100, 1) == 100;
	/* More arguments than registers; as the kernel has it, and C's library has not. */
	right += sprintf(kept, "%c%c%c%c%c%c %#x", 'g', 'p', 'u', 'f', 'a', 's', 0) == 10;
	right += !strcmp(kept, "gpufas 0x0");
	return right;
}

GPUFAS_ENTRY(too_late, "take the lock after the first store", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	WRITE_ONCE(task->pdeath_signal, task->pdeath_signal);
	spin_lock_irq(&task->sighand->siglock);
	spin_unlock_irq(&task->sighand->siglock);
	return 0;
}

GPUFAS_ENTRY(try, "say whether the lock could be had", int, pid)
{
	struct task_struct *task = gpufas_find_task(pid);

	if (!task)
		return -ESRCH;
	if (!spin_trylock(&task->sighand->siglock))
		return 0;
	spin_unlock(&task->sighand->siglock);
	return 1;
}

GPUFAS_ENTRY(warn, "find fault with something three times")
{
	refcount_t count = REFCOUNT_INIT(0);
	int i, said = 0;

	for (i = 0; i < 3; i++) {
		said += WARN_ON_ONCE(init_task.pid == 0);
		said += WARN(init_task.pid == 0, "the pid is %d\n", init_task.pid);
	}
	refcount_inc(&count);
	return said;
}

GPUFAS_ENTRY(fresh, "ask to be run again, unless the variables are no more as they were compiled")
{
	static int runs;

	if (runs++)
		return -EEXIST;
	return -EAGAIN;
}

GPUFAS_ENTRY(tries, "ask to be run again until it was tried so often", unsigned int, often)
{
	return gpufas_tries() < often ? -EAGAIN : (int)gpufas_tries();
}

/* An address that a process may have, whatever is there. */
#define USER	((char __user *)0x400000)

GPUFAS_ENTRY(user, "ask for the memory of processes by its addresses, in every way")
{
	char text[8] = "abcdefg";
	int value = 1;

	/* 1: what is copied at once; 2: one value; 4: strings; 8: what the kernel may have unmapped itself. */
	return (copy_from_user(text, USER, 8) == 8 && !memchr_inv(text, 0, 8) && copy_to_user(USER, text, 8) == 8 &&
		clear_user(USER, 8) == 8) |
	       (get_user(value, (int __user *)USER) == -EFAULT && !value &&
		put_user(value, (int __user *)USER) == -EFAULT) << 1 |
	       (strncpy_from_user(text, USER, 8) == -EFAULT && strnlen_user(USER, 8) == 0) << 2 |
	       (copy_from_user_nofault(text, USER, 8) == -EFAULT &&
		copy_from_kernel_nofault(text, (void *)-4096L, 8) == -EFAULT &&
		!copy_from_kernel_nofault(&value, &init_task.pid, 4) && !value) << 3;
}
