/* SPDX-License-Identifier: MIT */
/*
 * A program that sees itself as root, and a view as root would see it: calls that the
 * kernel refuses an ordinary user before FUSE is asked are held back by a seccomp filter
 * (seccomp_unotify(2)) and answered by this process, through the view's side channel
 * (fs/side.h). All other files and all other calls are the kernel's own matter.
 *
 * It fails closed: without the supervisor no held-back call is ever answered; a guard
 * process then kills whoever makes one.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "fs/hold.h"

enum run_world {
	RUN_HERE,      /* as the caller, who is shown as root */
	RUN_NAMESPACE, /* in a user namespace, where it may call chroot(2) */
	RUN_CHROOT,    /* the same, with the view as its root directory */
};

struct run_options {
	enum run_world world;
	const char *mountpoint; /* of the view, absolute */
	/* A sealed view of which the kernel gives a reader every attribute by itself, so
	 * that reading them need not be held back. */
	bool reads_pass;
	struct hold *hold; /* shared with the view's daemon; NULL */
	char *const *argv; /* the program, looked for in PATH, and its arguments */
	/* What is due when nobody uses the view any more, should this process be killed:
	 * called in the guard. May be NULL. */
	void (*orphaned)(void *arg);
	void *arg;
};

/*
 * Before anything is begun that a signal must not leave half done: signals that are meant
 * for the program wait until there is one.
 */
void run_hold_signals(void);

/*
 * After run_hold_signals(): starts the program, answers for it and all that it starts,
 * and returns when the last of them has ended: 0 with the program's status in *status (as
 * waitpid(2) gives it), or -1 where it was never started. What cannot be told by an exit
 * code goes to standard error. The caller has one thread, and the view is up. At most one
 * run a process.
 */
int run_program(const struct run_options *o, int *status, struct err *e);

#endif
