// SPDX-License-Identifier: GPL-2.0
/*
 * In-kernel recovery support: serves requests that a recovery program, on a
 * GPU or in another process of the host, leaves in memory.
 *
 * From outside, a word that CPUs change as well cannot be changed in one step, a
 * lock not be taken and no function of the kernel be called. This module does
 * such steps, one by one, for a program that decides outside. It decides nothing.
 *
 * Whoever can write to the queue can write to all of the kernel's memory anyway:
 * a check of a request protects against mistakes and corruption, not against an
 * attacker.
 */
#include "support.h"

#include <linux/module.h>

static unsigned int period_us = 1000;
module_param(period_us, uint, 0444);
MODULE_PARM_DESC(period_us, "microseconds between two looks for requests, on each CPU: 50 to 1000000");

static int __init gpufas_support_init(void)
{
	int error;

	if (period_us < 50 || period_us > 1000000) {
		pr_notice("period_us is %u, and must be between 50 and 1000000\n", period_us);
		return -EINVAL;
	}

	error = gpufas_queue_init(period_us);
	if (error)
		return error;

	gpufas_pause_init(period_us);
	error = gpufas_nmi_init();
	if (error)
		goto no_nmi;

	error = gpufas_poll_init(period_us);
	if (error)
		goto no_poll;

	pr_info("version %d, %d slots, a look every %u us\n", GPUFAS_SUPPORT_VERSION,
		GPUFAS_SUPPORT_SLOTS, period_us);
	return 0;

no_poll:
	gpufas_nmi_exit();
no_nmi:
	gpufas_queue_exit();
	return error;
}

static void __exit gpufas_support_exit(void)
{
	gpufas_poll_exit();
	gpufas_nmi_exit();
	gpufas_queue_exit();
	pr_info("gone\n");
}

module_init(gpufas_support_init);
module_exit(gpufas_support_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("In-kernel recovery support of GPUfas");
