// SPDX-License-Identifier: GPL-2.0
/*
 * Heavy requests: they call functions of the kernel's that take locks, among them
 * sighand->siglock. That is a spinlock_t, taken with interrupts off wherever it is, so
 * that timers may take it in hard interrupt context, as it_real_fn() of
 * kernel/time/itimer.c does. With PREEMPT_RT it sleeps, and they are for a thread.
 */
#include "support.h"

#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

/*
 * The task that a request names: by its pid as the initial namespace counts, whatever is current here, unless that is
 * another's by now. Under rcu_read_lock().
 */
static struct task_struct *find_task(const struct gpufas_support_request *request)
{
	struct task_struct *task;
	u64 nr = request->value;

	if (!nr || nr > PID_MAX_LIMIT)
		return NULL;

	task = pid_task(find_pid_ns(nr, &init_pid_ns), PIDTYPE_PID);
	return task && request->address && task->start_time != request->address ? NULL : task;
}

static struct gpufas_outcome wake(const struct gpufas_support_request *request)
{
	struct task_struct *task;
	int woken = -ESRCH;

	rcu_read_lock();
	task = find_task(request);
	if (task)
		woken = wake_up_process(task);
	rcu_read_unlock();

	return woken < 0 ? GPUFAS_FAILED(woken, 0) : GPUFAS_DONE(woken);
}

static struct gpufas_outcome send_signal(const struct gpufas_support_request *request)
{
	u64 sig = request->expected;
	struct task_struct *task;
	int error;

	if (sig < 1 || sig > _NSIG ||
	    (request->width != GPUFAS_SUPPORT_THREAD && request->width != GPUFAS_SUPPORT_PROCESS))
		return GPUFAS_REFUSED(-EINVAL, GPUFAS_SUPPORT_BAD_SIZE);

	rcu_read_lock();
	task = find_task(request);
	if (!task)
		error = -ESRCH;
	else if (is_global_init(task) || task->flags & PF_KTHREAD)
		/* As the kernel's own, a signal is forced upon them: the first process would end, and the kernel panic. */
		error = -EPERM;
	else if (request->width == GPUFAS_SUPPORT_THREAD)
		error = send_sig(sig, task, 1);
	else
		error = kill_pid(task_pid(task), sig, 1);
	rcu_read_unlock();

	return GPUFAS_FAILED(error, 0);
}

struct gpufas_outcome gpufas_serve_heavy(const struct gpufas_support_request *request)
{
	switch (request->operation) {
	case GPUFAS_SUPPORT_WAKE:
		return wake(request);
	case GPUFAS_SUPPORT_SIGNAL:
		return send_signal(request);
	default:
		return GPUFAS_REFUSED(-EOPNOTSUPP, GPUFAS_SUPPORT_BAD_OPERATION);
	}
}
