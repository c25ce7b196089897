/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A constant of an enumeration that differs from release to release: as a
 * number that the program has in it, or looked up in the kernel that it meets.
 */
#include <gpufas/gpufas.h>
#include <gpufas/relocate.h>
#include <linux/sched/topology.h>

GPUFAS_ENTRY(numa, "say which bit means that scheduling domains are NUMA nodes")
{
#ifdef LOOKED_UP
	gpufas_log("%d\n", gpufas_enumerator(int, SD_NUMA));
#else
	gpufas_log("%d\n", SD_NUMA);
#endif
	return 0;
}
