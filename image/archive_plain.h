/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an archive that is a regular file as it is, not compressed. Bytes that the
 * reader only counts, and does not look at, can be given unread: content that is digested
 * later, from its place in the file. A reader that was wrong about how many these are has
 * the rest read before anybody looks.
 *
 * Places and lengths are in bytes, from the start of the file.
 */
#ifndef IMAGE_ARCHIVE_PLAIN_H
#define IMAGE_ARCHIVE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct archive_plain {
	int fd;
	uint64_t size;        /* of the file when it was opened */
	unsigned char *block; /* what was given last; NULL: not opened */
	size_t len;           /* of the block */
	bool unread;          /* it is still to be read */
	uint64_t at;          /* where it ends, and the next one starts */
	uint64_t unread_to;   /* blocks before this place are given unread */
};

/* The descriptor stays the caller's, is needed until the end, and does not move. */
int archive_plain_open(
	struct archive_plain *p, int fd, uint64_t size, const char *name, struct err *e);

/* The next block, which holds until the next call: its length, 0 at the end, -1 with
 * errno. */
ssize_t archive_plain_next(struct archive_plain *p, const void **block);

/* From a place of its own, as pread(2); any thread may. */
ssize_t archive_plain_read(
	const struct archive_plain *p, void *to, size_t len, uint64_t at);

/* Where bytes lie, if they are of the block that was given last. */
bool archive_plain_place(const struct archive_plain *p, const void *bytes, uint64_t *at);

/*
 * Ends that blocks are given unread. Of the last one, what lies at `from` and behind it
 * is read if it was not: its length, -1 with errno (ENODATA: the file has become
 * shorter).
 */
ssize_t archive_plain_fill(
	struct archive_plain *p, uint64_t from, const unsigned char **bytes);

/* One that was never opened, but zeroed, is fine. */
void archive_plain_close(struct archive_plain *p);

#endif
