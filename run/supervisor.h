/* SPDX-License-Identifier: MIT */
/* The threads that answer calls which are held back. */
#ifndef RUN_SUPERVISOR_H
#define RUN_SUPERVISOR_H

#include "common/err.h"
#include "run/resolve.h"

/*
 * Starts them; they end with the process. listener and view stay the caller's, and in
 * use. The caller has all signals blocked that it wants to hear of itself.
 */
int supervisor_start(int listener, const struct run_view *view, struct err *e);

/* Takes one call and kills whoever makes it. 0, or -errno (EINTR, ENOENT: try again). */
int supervisor_kill_one(int listener);

#endif
