// SPDX-License-Identifier: GPL-2.0
/*
 * Sends signals by the kernel's own send_sig(), as somebody without recovery
 * from outside might do it:
 *
 *	echo "NAME SIGNAL" > /sys/module/send_signal/parameters/send
 *
 * NAME is a process's name, SIGNAL a number. Every process with that name gets
 * it, but no kernel thread.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

static int set_send(const char *text, const struct kernel_param *param)
{
	struct task_struct *process;
	char name[TASK_COMM_LEN];
	unsigned int sent = 0;
	int sig;

	if (sscanf(text, "%15s %d", name, &sig) != 2 || sig < 1 || !valid_signal(sig))
		return -EINVAL;

	rcu_read_lock();
	for_each_process(process)
		if (!(process->flags & PF_KTHREAD) && !strncmp(process->comm, name, TASK_COMM_LEN) &&
		    !send_sig(sig, process, 1))
			sent++;
	rcu_read_unlock();
	return sent ? 0 : -ESRCH;
}

static const struct kernel_param_ops send_operations = { .set = set_send };

module_param_cb(send, &send_operations, NULL, 0200);
MODULE_PARM_DESC(send, "NAME SIGNAL: sends the signal to every process with the name");

static int __init send_signal_init(void)
{
	return 0;
}

static void __exit send_signal_exit(void)
{
}

module_init(send_signal_init);
module_exit(send_signal_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sends signals by the kernel's own send_sig()");
