/* SPDX-License-Identifier: MIT */
/*
 * The system calls that are held back, and what answers each. One table makes the filter
 * and the dispatch. Numbers and arguments are those of x86-64; new calls have the same
 * number everywhere.
 */
#ifndef RUN_CALLS_H
#define RUN_CALLS_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/resolve.h"
#include "run/target.h"

/* A call that waits for its answer. */
struct call {
	const struct run_view *view;
	struct target t;
	int nr;
	uint64_t args[6];
	int listener; /* seccomp's; the call's number there: */
	uint64_t id;
	/* The answer: -errno or the value; or the kernel is to do it; or a descriptor of
	 * ours is to be the value, in the target, with close-on-exec or without. */
	int64_t result;
	bool go_on;
	int fd; /* -1: none */
	bool close_on_exec;
};

typedef void call_fn(struct call *c);

/* When a call is held back. */
enum call_scope {
	CALL_ALWAYS = 0,
	CALL_NAMESPACE = 1,  /* in a user namespace only */
	CALL_ATTRIBUTES = 2, /* where the kernel keeps attributes from a reader */
};

enum call_test {
	CALL_NO_TEST,
	CALL_HAS,   /* the argument has a bit of the mask */
	CALL_LACKS, /* in a user namespace only: it has none */
};

/* Held back only if one of the tests holds; there are none: always. */
struct call_when {
	enum call_test test;
	unsigned argument;
	uint32_t mask;
};

struct call_entry {
	int nr;
	call_fn *answer;       /* NULL: the filter itself answers 0 */
	enum call_scope scope; /* one of them */
	struct call_when when[3];
};

extern const struct call_entry calls[];
extern const size_t calls_count;

/* Answers one. */
void call_answer(struct call *c);

/* One of these ends a handler. */
void call_result(struct call *c, int64_t result);
void call_go_on(struct call *c); /* the kernel does it */
/*
 * What was to be looked at could not be: the kernel says why, unless it is -EIO, that is,
 * something that only this process may not see. Then nobody knows the right answer. What
 * this process has no room for is an error too.
 */
void call_fail(struct call *c, int rc);

/*
 * Its thread still waits: what was read by its number was its own, and not that of a
 * thread that has the number since it was killed. To be asked after all that was read,
 * and before anything is done. False: nobody wants an answer, and the call is over.
 */
bool call_waits(struct call *c);

/* Into the target's memory, if it still waits. 0 or -errno. */
int call_write(struct call *c, uint64_t address, const void *from, size_t size);

/* Reads a path argument. 0 or -errno. */
int call_path(struct call *c, uint64_t address, int dirfd, struct place_name *p);

/* The attribute by which a new program asks, setting it, whether somebody answers who
 * reads and writes its memory: he puts the reply where the value is. */
#define CALL_SELF_TEST       "livery.self-test"
#define CALL_SELF_TEST_REPLY "here"

/* The handlers. xattr.c */
call_fn call_setxattr, call_lsetxattr, call_fsetxattr, call_setxattrat;
call_fn call_getxattr, call_lgetxattr, call_fgetxattr, call_getxattrat;
call_fn call_listxattr, call_llistxattr, call_flistxattr, call_listxattrat;
call_fn call_removexattr, call_lremovexattr, call_fremovexattr, call_removexattrat;
/* names.c */
call_fn call_mknod, call_mknodat, call_link, call_linkat;
/* opens.c */
call_fn call_open, call_openat, call_openat2, call_creat;
/* owners.c */
call_fn call_stat, call_lstat, call_fstat, call_newfstatat, call_statx;
call_fn call_chown, call_lchown, call_fchown, call_fchownat;
/* self.c */
call_fn call_getresuid, call_getresgid, call_capget;
call_fn call_sched_getaffinity, call_sched_setaffinity;

#endif
