/* SPDX-License-Identifier: MIT */
/*
 * The content of an archive's entries. Where it lies in the file as it is, it is passed
 * over and digested by several threads, from its place there; else it is digested as it
 * is read.
 */
#ifndef IMAGE_ARCHIVE_CONTENT_H
#define IMAGE_ARCHIVE_CONTENT_H

#include <stdbool.h>

#include "image/archive_reader.h"
#include "image/listing.h"

struct digest_queue;

struct archive_content {
	struct listing *l;
	struct archive_reader *r;
	struct digest_queue *queue;
	bool waits; /* something was added, and may not be digested yet */
};

/* r was opened by place. archive_content_end() is needed after success. */
int archive_content_begin(struct archive_content *c, struct listing *l,
	struct archive_reader *r, struct err *e);

/*
 * The content of the entry that was read last and listed last, at path; mode and size of
 * in are set. What is not wanted is left out. The digest is there after
 * archive_content_end().
 */
int archive_content_later(struct archive_content *c, struct archive_entry *entry,
	const char *path, struct listing_inode *in, struct err *e);

/* The same, digested on return; in need not be of the listing. */
int archive_content_now(struct archive_content *c, const char *path,
	struct listing_inode *in, struct err *e);

/* Until all that was put off is digested. */
int archive_content_wait(struct archive_content *c, struct err *e);

/* rc and e: how reading the archive ended. As digest_queue_end(). */
int archive_content_end(struct archive_content *c, int rc, struct err *e);

#endif
