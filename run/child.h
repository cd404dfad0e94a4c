/* SPDX-License-Identifier: MIT */
/* The program's process, from its fork to its exec. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "common/err.h"
#include "run/run.h"

/* What the program is to have of signals: what its caller has. */
struct child_signals {
	sigset_t mask;
	void (*on_pipe)(int); /* SIG_DFL or SIG_IGN */
	void (*on_child)(int);
};

struct child {
	pid_t pid;
	int listener; /* seccomp's, of all that it and its children do */
	int up, down; /* pipes from and to it */
};

/* Forks it; it waits, with its filter. */
int child_start(struct child *c, const struct run_options *o,
	const struct child_signals *signals, struct err *e);

/*
 * Calls are answered now: lets it try that and go on. 0 once the program runs (or is not
 * there, which its exit code says: 126, 127), -1 where nobody answers it.
 */
int child_go(struct child *c, struct err *e);

#endif
