/* SPDX-License-Identifier: MIT */
/* CLOCK_MONOTONIC as a number. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND INT64_C(1000000000) /* in nanoseconds */

static inline int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * CLOCK_SECOND + t.tv_nsec;
}

/* Milliseconds, exact to a tick (up to 10 of them), at the least cost. */
static inline int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The point in time that is so many nanoseconds from now, for what waits until one. */
static inline struct timespec clock_after(int64_t ns)
{
	int64_t then = clock_ns() + ns;

	return (struct timespec){then / CLOCK_SECOND, then % CLOCK_SECOND};
}

#endif
