/* SPDX-License-Identifier: MIT */
/*
 * Digests of many files, computed by several threads: the caller's, and others that are
 * started when there is enough to read. What comes out is what one thread gives that
 * reads each file when it is added. So the error of the first file that was added counts,
 * and none of the caller's that came later.
 *
 * A reader of a tree adds files while it goes on; what waits is bounded, by its number
 * and by its bytes, and when there is too much of it the caller reads too. The functions
 * here are for one thread. The others take no signals, and have ended when
 * digest_queue_end() returns.
 */
#ifndef IMAGE_DIGEST_QUEUE_H
#define IMAGE_DIGEST_QUEUE_H

#include <stddef.h>

#include "image/listing.h"

#define DIGEST_BUFFER ((size_t)1 << 18) /* bytes of each thread's buffer */

/* A file whose content is to be digested. */
struct digest_file {
	struct listing_inode *in; /* mode and size are set, and stay as they are */
	const char *path;         /* in the listing; lives as long as that does */
	void *node;               /* what else the reader needs to find it */
	/* Called in place of reading it where that is of no use any more; or NULL. */
	void (*drop)(void *node);
};

/*
 * Reads and digests one, with a buffer of DIGEST_BUFFER bytes: digest_finish(), or -1
 * with the whole message. Called in any of the threads.
 */
typedef int digest_file_fn(
	void *arg, const struct digest_file *f, char *buffer, struct err *e);

struct digest_queue;

/*
 * threads: how many may read, the caller's among them. 0: as many as processors that the
 * process may run on, and no more than DIGEST_THREADS_MAX; with one, no thread is started
 * and files are read as they are added. A thread that cannot be started is done without.
 */
#define DIGEST_THREADS_MAX 8
int digest_queue_begin(struct digest_queue **out, unsigned threads, digest_file_fn *fn,
	void *arg, struct err *e);

/*
 * The inode's digest is there after digest_queue_end(). -1: the caller may stop, since a
 * file that was added before could not be read; digest_queue_end() tells, and this one
 * was dropped.
 */
int digest_queue_add(struct digest_queue *q, const struct digest_file *f);

/*
 * Waits until all that was added has been read, and frees the queue. rc and e: how the
 * caller's own work ended, 0 or -1. Returns -1 if a file could not be read, with its
 * error in e in the place of the caller's, else rc.
 */
int digest_queue_end(struct digest_queue *q, int rc, struct err *e);

#endif
