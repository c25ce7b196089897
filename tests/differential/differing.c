/* SPDX-License-Identifier: GPL-2.0 */
/* What the comparison must notice: functions that differ between the two runs. */
#include "scene.h"

#ifdef DIFFERENTIAL_NATIVE
#define DIFFERENT	1
#else
#define DIFFERENT	0
#endif

GPUFAS_ENTRY(differing_result, "another result", unsigned long, root)
{
	return DIFFERENT;
}

GPUFAS_ENTRY(differing_byte, "another byte in memory", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	scene->bytes[4095] = DIFFERENT;
	return 0;
}

GPUFAS_ENTRY(differing_pointer, "a pointer one field further", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	scene->slots[0] = (struct item *)&scene->out[DIFFERENT];
	return 0;
}

GPUFAS_ENTRY(differing_null, "a pointer instead of none", unsigned long, root)
{
	struct scene *scene = (struct scene *)root;

	scene->slots[0] = DIFFERENT ? NULL : (struct item *)scene;
	return 0;
}
