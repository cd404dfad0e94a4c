/* SPDX-License-Identifier: MIT */
/* The program's process, from its fork to its exec. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "common/err.h"
#include "run/run.h"

struct child {
	pid_t pid;
	int listener; /* seccomp's, of all that it and its children do */
	int up, down; /* pipes from and to it */
};

/* Forks it; it waits, with its filter. signals: the mask that the program is to have. */
int child_start(struct child *c, const struct run_options *o, const sigset_t *signals,
	struct err *e);

/*
 * Calls are answered now: lets it try that and go on. 0 once the program runs (or is not
 * there, which its exit code says: 126, 127), -1 where nobody answers it.
 */
int child_go(struct child *c, struct err *e);

#endif
