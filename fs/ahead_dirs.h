/* SPDX-License-Identifier: MIT */
/*
 * Directories that are listed before their reader comes to them: which is next, and which
 * are ready. Under the lock of fs/ahead.c, but for ahead_dirs_read().
 */
#ifndef FS_AHEAD_DIRS_H
#define FS_AHEAD_DIRS_H

#include "common/buf.h"
#include "fs/dirlist.h"

struct ahead_level;

struct ahead_dirs {
	struct ahead_level *levels; /* the way to the next directory */
	size_t depth, room;
	struct buf path; /* of the directory that is being read */
	bool reading;
	bool outdated;                     /* the reader has gone elsewhere meanwhile */
	struct ahead_ready *first, **last; /* in the order of the walk */
	size_t names;                      /* in those that are ready */
	size_t window;                     /* so many at a time */
	unsigned lost;   /* readers in a row that did not come where they were awaited */
	int64_t started; /* milliseconds */
};

void ahead_dirs_init(struct ahead_dirs *d);
void ahead_dirs_free(struct ahead_dirs *d);

/* Goes on behind this directory, which is loaded. */
void ahead_dirs_start(struct ahead_dirs *d, struct node *dir, int64_t now);

/* Forgets all that is ready, and goes on with nothing. */
void ahead_dirs_stop(struct ahead_dirs *d);

/* Something should be read; low: it is worth waking somebody for. */
bool ahead_dirs_due(const struct ahead_dirs *d, bool low);

/* What to read next: its path and key. False: nothing is left. */
bool ahead_dirs_next(struct ahead_dirs *d, struct dirlist_key *key);

/* It has been read (l, which is taken over), or could not be (NULL). */
void ahead_dirs_add(struct ahead_dirs *d, struct dirlist *l, int64_t now);

/* The one at a path, if it is ready and no older than the view allows. */
struct dirlist *ahead_dirs_take(struct ahead_dirs *d, const char *path,
	const struct dirlist_key *key, int64_t now);

#endif
