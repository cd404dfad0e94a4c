/* SPDX-License-Identifier: MIT */
/*
 * One error value, owned by the caller, that needs no memory of its own.
 *
 * A function that can fail takes a `struct err *` as its last argument, fills it and
 * returns -1 (or NULL). The setters return -1, so that `return err_sys(e, path, "…")`
 * is a whole error path. A message names the thing, says what went wrong and, where
 * that is known, what to do about it. Names from outside are quoted (see quote.h), so a
 * message is always one line of printable text.
 *
 * No setter allocates. An err is not shared between threads.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_SYS,     /* a system call failed; sys holds its errno */
	ERR_USAGE,   /* the command line is wrong */
	ERR_INPUT,   /* a file from outside is not what it should be */
	ERR_BUSY,    /* somebody else holds what is needed */
	ERR_REFUSED, /* it could be done, and the result would be wrong */
};

#define ERR_MSG_MAX 2048 /* bytes, with the NUL; what is longer ends in "…" */

struct err {
	enum err_code code;
	int sys; /* errno, or 0 */
	char msg[ERR_MSG_MAX];
};

/* Sets code and message; sys becomes 0. Always -1. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets ERR_SYS from errno: "FMT…: PATH: strerror". path may be NULL. Always -1. */
int err_sys(struct err *e, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "FMT…: " before the message that is there; the code stays. Always -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts text behind the message that is there: what to do about it. Always -1. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An errno for callers that can say no more than a number (FUSE replies); never 0. */
int err_errno(const struct err *e);

/* Prints "livery: " and the message to standard error. */
void err_print(const struct err *e);

#endif
