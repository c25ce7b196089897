// SPDX-License-Identifier: GPL-2.0
/*
 * A module that only says that it is there, to test how modules are built and
 * loaded.
 */
#include <linux/module.h>

static int number;
module_param(number, int, 0600);
MODULE_PARM_DESC(number, "a number, which is said");

static int __init trivial_init(void)
{
	pr_info("trivial: loaded with number %d\n", number);
	return 0;
}

static void __exit trivial_exit(void)
{
	pr_info("trivial: unloaded with number %d\n", number);
}

module_init(trivial_init);
module_exit(trivial_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A module that only says that it is there");
