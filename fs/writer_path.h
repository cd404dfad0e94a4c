/* SPDX-License-Identifier: MIT */
/* Where in the tree a name of an archive is; for writer.c only. */
#ifndef FS_WRITER_PATH_H
#define FS_WRITER_PATH_H

#include "common/buf.h"
#include "fs/writer.h"

/* A directory of the tree, open (O_PATH), with its record. */
struct writer_dir {
	int fd;
	int64_t record;
};

struct writer_place {
	struct writer_dir dir;      /* the writer's, valid until the next place */
	char name[DB_NAME_MAX + 1]; /* "": the root itself */
};

struct writer_time {
	char *path;
	struct db_hint dir; /* which directory it was */
	struct timespec mtime;
};

struct writer {
	struct stage *stage;
	struct db *db;
	struct buf cached; /* directory part that dir stands for */
	struct writer_dir dir;
	struct writer_time *times;
	size_t time_count, time_room;
	struct timespec dir_time; /* of the directory in which something was made last */
	bool stale;               /* dir may no longer be what the path leads to */
};

/* Finds the directory of a path and its last name. make: missing directories are made. */
int writer_place(struct writer *w, const char *path, bool make, struct writer_place *p,
	struct err *e);

/* The record of a name in a directory, made (silent) or replaced where it does not hold.
 */
int writer_record(struct writer *w, const struct writer_dir *dir, const char *name,
	uint32_t type, int64_t *id, struct err *e);

/* Puts the path before an error that does not name it. Always -1. */
int writer_named(struct err *e, const char *path);

/* Forgets which directory was looked up last: it may be another now. */
void writer_forget(struct writer *w);

#endif
