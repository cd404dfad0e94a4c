/* SPDX-License-Identifier: MIT */
/*
 * The guard: a process that outlives a supervisor which is killed. Without one, the
 * kernel answers held-back calls with ENOSYS, and tools would go on without what they
 * set.
 */
#ifndef RUN_GUARD_H
#define RUN_GUARD_H

#include "common/err.h"
#include "run/run.h"

struct guard {
	pid_t pid; /* 0: there is none */
	int alive; /* a pipe's end: closed when this process ends, however it does */
};

/*
 * Starts one that holds the listener too. Should the supervisor end without
 * guard_dismiss(), it kills each process that makes a call which is held back, and calls
 * o->orphaned() when the last is gone.
 */
int guard_start(
	struct guard *g, int listener, const struct run_options *o, struct err *e);

/* It has ended, and was waited for. */
void guard_lost(struct guard *g);

/* All is over: it ends without having done anything. */
void guard_dismiss(struct guard *g);

#endif
