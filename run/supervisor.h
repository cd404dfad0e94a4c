/* SPDX-License-Identifier: MIT */
/* The threads that answer calls which are held back. */
#ifndef RUN_SUPERVISOR_H
#define RUN_SUPERVISOR_H

#include "common/err.h"
#include "run/resolve.h"

/*
 * Before the guard is started: what is held back and being answered stands where both see
 * it.
 */
int supervisor_prepare(struct err *e);

/*
 * Starts them; they end with the process, and use listener and view until then. The
 * caller has all signals blocked that it wants to hear of itself.
 */
int supervisor_start(int listener, const struct run_view *view, struct err *e);

/*
 * In the guard, when the supervisor is gone: kills whoever waited for its answer (nobody
 * else will ever give one), and whoever makes a call that is held back, until none is
 * left that could.
 */
void supervisor_kill_all(int listener);

#endif
