/* SPDX-License-Identifier: MIT */
/*
 * New files in a staging tree together with their records: what unpack and mknod do.
 *
 * Names are paths from the tree's root as an archive gives them; "./", doubled '/' and a
 * leading '/' are passed over. ".." is refused. A directory on the way that is a symbolic
 * link is followed when its target is relative and stays in the tree (usr-merged systems
 * have lib -> usr/lib), and refused otherwise. Directories that are missing are made.
 *
 * What is there under the name is replaced, except a directory by a directory, which
 * takes the new attributes; a directory that is not empty by anything else is refused. A
 * transaction on the database is the caller's. Errors name the path.
 */
#ifndef FS_WRITER_H
#define FS_WRITER_H

#include <time.h>

#include "db/db.h"
#include "fs/stage.h"

struct writer;

/* stage and db stay the caller's. */
int writer_open(struct writer **out, struct stage *stage, struct db *db, struct err *e);
void writer_close(struct writer *w);

struct writer_attr {
	const void *value;
	size_t len;
	const char *name;
};

struct writer_meta {
	uint32_t mode;                   /* type and permissions */
	uint32_t uid, gid;               /* or DB_SILENT */
	uint64_t rdev;                   /* of devices */
	const char *target;              /* of symbolic links */
	const char *label;               /* NULL: none */
	const struct writer_attr *attrs; /* other attributes */
	size_t attr_count;
};

/*
 * Makes what meta says at path. For a regular file *fd is then open for writing and the
 * caller's, else -1 (fd may be NULL where the type is none). Errors are ERR_REFUSED for a
 * name that would leave the tree or is taken by a directory with content. Returns 1 where
 * a directory was asked for and a link to one is there: it stays as it is.
 */
int writer_make(struct writer *w, const char *path, const struct writer_meta *meta,
	int *fd, struct err *e);

/* Removes the file that was just made, when its record cannot be kept after all. */
void writer_unmake(struct writer *w, const char *path);

/*
 * Another name for what is at target; nothing to do where that is the name itself. Opens
 * the file if fd is not NULL and it is regular.
 */
int writer_link(
	struct writer *w, const char *path, const char *target, int *fd, struct err *e);

/*
 * Sets the modification time, not following a link; for directories see below. 1: the
 * filesystem keeps another one, as near as it can (ext4: 1901 to 2446).
 */
int writer_set_time(
	struct writer *w, const char *path, const struct timespec *mtime, struct err *e);

/*
 * Directories' times change as names are made in them: they are remembered here, and set
 * by writer_finish() on those that are still there, after which nothing more may be made.
 * 1: as above.
 */
int writer_dir_time(
	struct writer *w, const char *path, const struct timespec *mtime, struct err *e);
int writer_finish(struct writer *w, struct err *e);

#endif
