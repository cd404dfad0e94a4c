/* SPDX-License-Identifier: MIT */
/*
 * Which staging tree and database a command is about. The database of a staging tree
 * ROOTFS is ROOTFS.livery beside it. Inspection commands take any path in a staging tree
 * or a view, and look upwards for the directory that has a database beside it.
 */
#ifndef TOOLS_LOCATE_H
#define TOOLS_LOCATE_H

#include "fs/engine.h"

struct place {
	char *staging; /* absolute */
	char *db;
	char *path; /* below staging, without leading '/', "" is the root */
};

/*
 * A path made absolute; symbolic links before the last component are resolved, the last
 * one is kept as it is and need not exist. NULL: e tells.
 */
char *locate_absolute(const char *path, struct err *e);

/* path is dir or below it; both absolute. */
bool path_inside(const char *path, const char *dir);

/*
 * A path from a tree's root as the database has it: "/usr//bin/", "./usr/./bin" and
 * "usr/bin" are one. NULL: no memory, or "..", which nobody resolves.
 */
char *locate_within(const char *path, struct err *e);

#define cleanup_place __attribute__((cleanup(place_free)))
void place_free(struct place *p);

/* A whole tree. db: --db, or NULL. The staging tree need not exist. */
int locate_tree(struct place *p, const char *staging, const char *db, struct err *e);

/*
 * A path in a tree; its last component is not followed and need not exist. But a link
 * that is in no tree itself stands for what it leads to. staging and db: --staging and
 * --db, or NULL.
 */
int locate_path(struct place *p, const char *path, const char *staging, const char *db,
	struct err *e);

/*
 * What stands in the way of a path: errno, or 0. ENOTCONN is a view whose daemon is dead,
 * even where the kernel still knows all about the path by itself.
 */
int locate_reach(const char *path);

/* Where a view is mounted: asks its daemon. 1 a view, 0 none, -1 error. */
int locate_view(struct place *p, const char *path, long *pid, struct err *e);

/*
 * Calls back with the mount point of each view that writes and has the database file at
 * db, whatever paths lead to that, as far as this user can ask the view. A non-zero
 * answer ends it and is returned.
 */
typedef int locate_writer_fn(void *arg, const char *mountpoint);
int locate_writers(const char *db, locate_writer_fn *fn, void *arg);

/*
 * Opens stage, database and engine. A database that is missing is an error that says how
 * to make one, unless mode is DB_CREATE; so is one whose last unpack did not come to its
 * end. For DB_WRITE and DB_CREATE, loan_take() first (tools/loan.h).
 */
int place_open(const struct place *p, enum db_mode mode, const struct engine_options *o,
	struct engine **en, struct err *e);

/*
 * Settles what a view that was killed left half done (fs/live/intent.h). Nothing to do
 * where none was, or where somebody has the database; not while a view that writes is up.
 */
int place_settle(const struct place *p, struct err *e);

/* The note that unpack leaves while it runs. */
#define NOTE_UNFINISHED "unfinished"
int place_check_finished(struct db *db, struct err *e);

#endif
