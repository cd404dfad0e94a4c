/* SPDX-License-Identifier: MIT */
/*
 * Programs of others, run with an environment that does not depend on who runs them: the
 * C locale, UTC, and only PATH, HOME and TMPDIR of the caller's. What they print is kept
 * and told when they fail.
 *
 * After tool_catch_signals(), an interrupt (SIGINT, SIGTERM, SIGHUP) ends the program
 * that runs, for good when it comes again, and makes tool_wait() fail. At other times it
 * calls back, in the signal's handler, and ends the process.
 */
#ifndef PACK_TOOL_H
#define PACK_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/err.h"

struct tool {
	const char *name;
	const char *package; /* Debian's, that has it */
	pid_t pid;
	int out, err; /* what it prints: files in memory */
};

/* Arguments, collected; owned by the list. */
struct tool_args {
	char **items; /* ends with NULL once there is one */
	size_t count;
};

/* Both return 0, or -1 when there is no memory. */
int tool_arg(struct tool_args *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int tool_arg_copy(struct tool_args *a, const char *text);
void tool_args_free(struct tool_args *a);
#define cleanup_tool_args __attribute__((cleanup(tool_args_free)))

/* Where a program is: in PATH, or in the sbin directories. Caller frees; NULL with e. */
char *tool_find(const char *name, const char *package, struct err *e);

/*
 * Starts args (the first one is the program's name). env: "NAME=value" in addition, ends
 * with NULL; may be NULL. in: its standard input, -1: /dev/null.
 */
int tool_start(struct tool *t, const char *package, const struct tool_args *args,
	const char *const *env, int in, struct err *e);

/*
 * Waits for its end. 0 when it exits with 0. tick, unless NULL, is called a few times a
 * second. out, unless NULL, gets its standard output; said, unless NULL, all that it
 * printed to standard error, also when it fails.
 */
int tool_wait(struct tool *t, void (*tick)(void *arg), void *arg, struct buf *out,
	struct buf *said, struct err *e);

/* Start and wait. */
int tool_run(const char *package, const struct tool_args *args, const char *const *env,
	void (*tick)(void *arg), void *arg, struct buf *out, struct err *e);

/* at_end may only do what signal-safety(7) allows. */
void tool_catch_signals(void (*at_end)(void));

/* Between the two an interrupt is noted only: there is something to be undone. */
void tool_hold(void);
void tool_release(void);
bool tool_interrupted(void);

#endif
