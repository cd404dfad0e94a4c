/* SPDX-License-Identifier: MIT */
/* Changes to the records at paths that a person typed. */
#ifndef TOOLS_EDIT_PATHS_H
#define TOOLS_EDIT_PATHS_H

#include "fs/engine.h"

struct edit_paths {
	const char *staging, *db; /* --staging, which may get a database, and --db */
	bool recursive;           /* with all that is below */
	/* Changes one record; n is the file as it was before the command. */
	int (*apply)(void *arg, struct engine *en, struct node *n, struct db_record *r,
		struct err *e);
	/* A tree is done with; may be NULL. */
	void (*tree_done)(void *arg);
	void *arg;
};

/*
 * Calls apply for the record of each path, once where several paths are one file. The
 * record is made where there is none, and all names of a file share it. Paths of one tree
 * that follow each other are one transaction: all are changed or none. A database that
 * was made for nothing is removed.
 */
int edit_paths(const struct edit_paths *ep, int count, char **paths, struct err *e);

#endif
