/* SPDX-License-Identifier: MIT */
#include "fs/follow.h"

#include <time.h>

#define ASK_EVERY 64 /* messages of one caller: what he may do can change */
#define FOLLOW_AT 16 /* messages in a row: to move costs as much as several */
/* So many messages within these nanoseconds: a caller who mostly waits for answers. */
#define BUSY_WITHIN 20000000

void follow_begin(struct follower *f, struct hold *hold)
{
	*f = (struct follower){.held = -1, .place = -1, .hold = hold};
	f->settled = sched_getaffinity(0, sizeof(f->home), &f->home) < 0 ||
		     CPU_COUNT(&f->home) < 2;
}

static int held_on(pid_t caller)
{
	cpu_set_t may;

	if (sched_getaffinity(caller, sizeof(may), &may) < 0 || CPU_COUNT(&may) != 1)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &may))
			return i;
	return -1;
}

static void move(struct follower *f, int processor)
{
	cpu_set_t to = f->home;

	if (processor >= 0) {
		CPU_ZERO(&to);
		CPU_SET(processor, &to);
	}
	/* Where it may not run it stays away from. */
	if (sched_setaffinity(0, sizeof(to), &to) == 0)
		f->place = processor;
	f->row = 0;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void ask(struct follower *f, pid_t caller)
{
	int64_t now = f->hold ? now_ns() : 0;
	bool busy = f->hold && caller == f->caller && now - f->asked < BUSY_WITHIN;

	f->held = busy ? hold_busy(f->hold, caller) : held_on(caller);
	f->caller = caller;
	f->asked = now;
	f->age = 0;
}

void follow_caller(struct follower *f, pid_t caller)
{
	int held = f->held;

	if (f->settled || !caller)
		return;
	if (caller != f->caller || ++f->age >= ASK_EVERY)
		ask(f, caller);
	if (f->held != held)
		f->row = 0;
	if (f->held == f->place)
		return;
	if (f->held < 0 || ++f->row >= FOLLOW_AT)
		move(f, f->held);
}
