/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of who walks a sealed view: a thread on another processor lists the
 * directories that he is about to come to, and reads the small files that he is about to
 * read.
 *
 * Nothing that a reader did not ask for is shown, becomes a node, or is a finding: what
 * was read in vain, or cannot be read, is as if it had not been looked at. Who walks in
 * another order than fs/order.h's is soon left alone.
 *
 * All functions take NULL for a view that reads nothing ahead; they may be called from
 * several threads.
 */
#ifndef FS_AHEAD_H
#define FS_AHEAD_H

#include <sys/types.h>

#include "fs/engine.h"

struct ahead;
struct dirlist; /* fs/dirlist.h */

/* NULL: no memory. */
struct ahead *ahead_new(struct engine *en);
void ahead_free(struct ahead *a);

/* Starts and ends the thread. 0, or -errno. */
int ahead_begin(struct ahead *a);
void ahead_end(struct ahead *a);

/* A reader has read a directory; first: it was not loaded before. */
void ahead_listed(struct ahead *a, pid_t reader, struct node *dir, bool first);

/* The whole content of a regular file. */
struct ahead_content {
	struct ahead_content *next; /* comes later in the walk */
	struct node *node;
	size_t size;
	char bytes[];
};

/*
 * A thread asks for the content of a file: what is ready for it, for
 * ahead_content_free(). That file's own comes first, if it is among it.
 */
struct ahead_content *ahead_content(struct ahead *a, pid_t thread, struct node *n);

/*
 * A thread asks for something else of a file: what is ready for it, if that begins with
 * the content of this file, which it will then ask for next.
 */
struct ahead_content *ahead_content_due(struct ahead *a, pid_t thread, struct node *n);

void ahead_content_free(struct ahead_content *c);

/* Readers ask for attributes. */
void ahead_want_attributes(struct ahead *a);

/*
 * What was read ahead of a directory that is not loaded, for dirlist_drop(); NULL:
 * nothing. Waits for one that is being read.
 */
struct dirlist *ahead_take(struct ahead *a, struct node *dir);

#endif
