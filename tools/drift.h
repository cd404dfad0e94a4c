/* SPDX-License-Identifier: MIT */
/* Drift: where the staging tree and its database no longer say the same. */
#ifndef TOOLS_DRIFT_H
#define TOOLS_DRIFT_H

#include "fs/engine.h"

enum drift_kind {
	DRIFT_UNRECORDED, /* a file without a record: shown with defaults */
	DRIFT_GONE,       /* a record whose file is not there */
	DRIFT_REPLACED, /* a file of another type than its record: shown with defaults */
	DRIFT_MOVED,    /* a record whose file has another name now: to */
	DRIFT_SPLIT,    /* names of one record that are separate files now */
	DRIFT_KINDS,
};

struct drift {
	enum drift_kind kind;
	const char *path; /* in the tree, without leading '/' */
	const char *to;   /* of DRIFT_MOVED, else NULL */
	int64_t record;   /* of DRIFT_GONE and DRIFT_MOVED, else 0 */
	int64_t parent; /* the directory's record for which path is a name; 0: it is none
			 */
};

const char *drift_name(enum drift_kind kind);

/*
 * Reads the whole tree. Calls back for each, by kind and path. -1 on error, else 0.
 *
 * Moved is what has the inode and birth time that its record remembers; and below a
 * directory that was moved, what has the name and type that it had there.
 */
int drift_find(struct engine *en, void (*fn)(void *arg, const struct drift *d), void *arg,
	struct err *e);

#endif
