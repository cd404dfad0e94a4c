/* SPDX-License-Identifier: MIT */
/* Processors that the calling thread may run on. */
#ifndef COMMON_PROCESSORS_H
#define COMMON_PROCESSORS_H

#include <sched.h>

/* How many; 1 where that is not told. */
static inline unsigned processors_allowed(void)
{
	cpu_set_t may;

	return sched_getaffinity(0, sizeof(may), &may) < 0 ? 1
							   : (unsigned)CPU_COUNT(&may);
}

#endif
