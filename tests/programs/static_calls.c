/* SPDX-License-Identifier: GPL-2.0 */
/* Static calls: what the kernel's key says is called, if the program has it. */
#include <gpufas/gpufas.h>

#include <linux/static_call.h>

/* What tracepoints call; the program has a version of one of them (--kernel-symbol). */
int __traceiter_sched_kthread_stop_ret(void *data, int number)
{
	return number + 35;
}

typedef int stop(void *data, void *task);
typedef void handler(void *registers);

DECLARE_STATIC_CALL(tp_func_sched_kthread_stop_ret, __traceiter_sched_kthread_stop_ret);
DECLARE_STATIC_CALL(tp_func_sched_kthread_stop, *(stop *)NULL);
DECLARE_STATIC_CALL(x86_pmu_handle_irq, *(handler *)NULL);

GPUFAS_ENTRY(known, "call the program's version of a function")
{
	return static_call(tp_func_sched_kthread_stop_ret)(NULL, 7);
}

GPUFAS_ENTRY(stranger, "call a function that the program does not have")
{
	return static_call(tp_func_sched_kthread_stop)(NULL, NULL);
}

GPUFAS_ENTRY(nothing, "call nothing: there is no performance monitoring unit")
{
	static_call_cond(x86_pmu_handle_irq)(NULL);
	return 0;
}
