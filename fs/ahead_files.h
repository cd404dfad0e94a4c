/* SPDX-License-Identifier: MIT */
/*
 * Content that is read before its reader asks: who reads in the order of the walk, how
 * far that has been done for each, and what is ready. Under the lock of fs/ahead.c.
 */
#ifndef FS_AHEAD_FILES_H
#define FS_AHEAD_FILES_H

#include "fs/ahead.h"
#include "fs/node.h"

#define AHEAD_READERS 8
#define AHEAD_SIZE_MAX                                                                   \
	(256 << 10) /* bytes; the kernel itself reads larger files ahead                 \
		     */

struct ahead_reader {
	pid_t thread;
	struct node *last; /* that he asked for; NULL: there is no such reader */
	struct node *done; /* up to here; NULL: he reads in no order that is known */
	bool end;          /* what comes next is not loaded yet */
	size_t window;     /* bytes that may be ready */
	size_t bytes;      /* that are */
	struct ahead_content *first, **behind;
	unsigned long used; /* when, in askings */
};

struct ahead_files {
	struct ahead_reader readers[AHEAD_READERS];
	unsigned long clock;
	unsigned turn;
	_Atomic size_t bytes; /* that are ready for all of them */
};

void ahead_files_init(struct ahead_files *f);
/* Forgets all readers, and what is ready. */
void ahead_files_stop(struct ahead_files *f);

/* A thread asks for the content of a file. */
void ahead_files_asked(struct ahead_files *f, pid_t thread, struct node *file);

/* More directories are loaded than were before. */
void ahead_files_more(struct ahead_files *f, pid_t thread);

/*
 * What is ready for a thread and does not come before this file; for
 * ahead_content_free(). only_due: nothing, unless the file's own content is among it.
 */
struct ahead_content *ahead_files_take(
	struct ahead_files *f, pid_t thread, const struct node *file, bool only_due);

/* There may be something to read; low: it is worth waking somebody for. */
bool ahead_files_due(const struct ahead_files *f, bool low);

/* Whose turn it is to have something read, and what. NULL: nobody's. */
struct ahead_reader *ahead_files_next(struct ahead_files *f, struct node **n);

/* It has been read; c is taken over. It is dropped if the reader went elsewhere. */
void ahead_files_add(
	struct ahead_files *f, struct ahead_reader *r, struct ahead_content *c);

#endif
