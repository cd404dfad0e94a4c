/* SPDX-License-Identifier: MIT */
/* Every name of a tree, in one order. */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/engine.h"

struct walk_step {
	const char *path; /* from the root, "" is the root; until the callback returns */
	const char *name; /* its last component */
	struct node *dir; /* that holds the name; NULL for the root */
	struct node *node;
	size_t depth; /* below start, which has 0 */
};

/*
 * Calls back for start and all below it: a directory before what it holds, each
 * directory's names bytewise. start_path is start's path. A callback's answer: 0 goes on,
 * WALK_PRUNE passes by what the directory holds, anything else ends the walk and is
 * returned. A directory that cannot be read ends it with -1.
 */
#define WALK_PRUNE 1000
typedef int walk_fn(void *arg, const struct walk_step *s, struct err *e);
int engine_walk(struct engine *en, struct node *start, const char *start_path,
	walk_fn *fn, void *arg, struct err *e);

#endif
