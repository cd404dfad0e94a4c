/* SPDX-License-Identifier: MIT */
#include "fs/follow.h"

#define ASK_EVERY 64 /* messages of one caller: what he may do can change */
#define FOLLOW_AT 16 /* messages in a row: to move costs as much as several */

void follow_begin(struct follower *f, struct hold *hold)
{
	*f = (struct follower){.held = -1, .place = -1, .hold = hold};
	f->settled = sched_getaffinity(0, sizeof(f->home), &f->home) < 0 ||
		     CPU_COUNT(&f->home) < 2;
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

void follow_caller(struct follower *f, pid_t caller)
{
	int held = f->held;

	if (f->settled || !caller)
		return;
	if (hold_heard(f->hold, caller) || caller != f->caller || ++f->age >= ASK_EVERY) {
		f->caller = caller;
		f->age = 0;
		f->held = hold_only_processor(caller);
	}
	if (f->held != held)
		f->row = 0;
	if (f->held == f->place)
		return;
	if (f->held < 0 || ++f->row >= FOLLOW_AT)
		move(f, f->held);
}
