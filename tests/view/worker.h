/* SPDX-License-Identifier: MIT */
/* A process that does operations in one tree, which is the root of all its paths. */
#ifndef TESTS_VIEW_WORKER_H
#define TESTS_VIEW_WORKER_H

#include "tests/view/op.h"

#include <fcntl.h>

struct worker {
	int fd[SLOTS]; /* -1: closed */
	int proc;      /* of /proc, for the links to open files */
	bool side;     /* the tree is a view: the side channel lists all attributes */
	time_t started;
};

/* The parent's end of one. */
struct hand {
	const char *what;
	pid_t pid;
	int to;
	int from;
	struct op *op;
	struct result *result;
};

struct worker_options {
	const char *what;
	const char *tree;
	uid_t uid;
	gid_t gid;
	bool side;
	const char *run; /* livery, whose `run` starts the worker in that staging tree */
};

/* Ends the program where it fails. */
void worker_start(struct hand *hand, const struct worker_options *options);
void worker_send(const struct hand *hand, const struct op *op);
void worker_wait(const struct hand *hand);
void worker_end(const struct hand *hand);
/* The worker that `livery run` has started. memory: a descriptor, of what is shared. */
_Noreturn void worker_serve(int memory, const char *tree);

/* Does one operation. */
void perform(struct worker *w, const struct op *op, struct result *r);

/* Each does some kinds; false: not one of them. They leave ret and errno. */
bool perform_file(struct worker *w, const struct op *op, struct result *r);
bool perform_name(struct worker *w, const struct op *op, struct result *r);
bool perform_attr(struct worker *w, const struct op *op, struct result *r);

/* All that can be; through the side channel if there is one. */
void remove_attributes(const char *path, bool side);
void scan_tree(struct worker *w, struct result *r, bool without_trusted);

/* Adds to the result's text. */
void say(struct result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_bytes(struct result *r, const char *bytes, size_t len);
void say_time(const struct worker *w, struct result *r, const struct timespec *t);

/* Makes it the path of the directory that the name is in. */
void parent_path(char *path);

static inline int slot_fd(const struct worker *w, int slot)
{
	return slot < 0 ? -1 : w->fd[slot];
}

static inline int at(const struct worker *w, int dir)
{
	return dir < 0 ? AT_FDCWD : w->fd[dir];
}

#endif
