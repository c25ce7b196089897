/* SPDX-License-Identifier: GPL-2.0 */
/* What the module that makes deadlocks has counted; it exports that. */
#include <gpufas/gpufas.h>
#include <gpufas/support.h>

#include <linux/atomic.h>
#include <linux/module.h>

GPUFAS_ENTRY(deadlocked, "say how many wait in a deadlock, and for which lock")
{
	struct module *module;

	list_for_each_entry(module, &gpufas_modules, list) {
		const atomic_t *started;
		void *const *lock;

		if (strcmp(module->name, "deadlock"))
			continue;
		started = gpufas_exported(module, "gpufas_deadlock_started");
		lock = gpufas_exported(module, "gpufas_deadlock_lock");
		if (!started || !lock)
			return -ENOENT;
		gpufas_log("started: %d\nlock: 0x%px\n", atomic_read(started), READ_ONCE(*lock));
		return 0;
	}
	return -ENODEV;
}
