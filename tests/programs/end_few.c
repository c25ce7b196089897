/* SPDX-License-Identifier: GPL-2.0 */
/* end-many.c for fewer processes in one run than a test starts. */
#define MAX_PROCESSES 10

#include "../../examples/end-many.c"
