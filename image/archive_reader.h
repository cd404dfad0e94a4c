/* SPDX-License-Identifier: MIT */
/*
 * An archive as libarchive reads it, to its very end: libarchive takes a tar that stops
 * between two members for a whole one, and looks at nothing behind the end.
 */
#ifndef IMAGE_ARCHIVE_READER_H
#define IMAGE_ARCHIVE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "image/archive_plain.h"

struct archive;
struct archive_entry;
struct archive_input;

struct archive_reader {
	const char *name;           /* of the file, for messages */
	struct archive_input *in;   /* the file's bytes */
	struct archive *outer;      /* decompresses them */
	struct archive_plain plain; /* the same bytes, if they are read by their place */
	struct archive *inner;      /* tar or cpio */
	uint64_t total;             /* bytes of the archive, decompressed, so far */
	uint64_t data;              /* to the last one that is not zero */
};

/* Which compressions are undone. */
enum archive_filters {
	ARCHIVE_FILTERS_OWN, /* those that libarchive does itself */
	ARCHIVE_FILTERS_ALL, /* those for which it starts a program too */
};

/*
 * Reads from the descriptor's place on. by_place: that is the file's beginning, and
 * content may be passed over; the descriptor is then needed until the end.
 * archive_reader_close() is needed after a failure too.
 */
int archive_reader_open(struct archive_reader *r, int fd, const char *name,
	enum archive_filters filters, bool by_place, struct err *e);

/* 1: an entry; 0: the end, and nothing follows. */
int archive_reader_next(
	struct archive_reader *r, struct archive_entry **entry, struct err *e);

/* Content that lies in the file in one piece: bytes from its start, and how many. */
struct archive_place {
	uint64_t at, len;
};

/*
 * Passes over the content of the regular file that was read last, without reading it. 1:
 * it is in this place, and zeros follow up to the entry's size. 0: it is still to be read
 * from inner, since it is compressed or sparse, or since there is little of it. -1: *why,
 * which lives as long as r.
 */
int archive_reader_pass(struct archive_reader *r, struct archive_entry *entry,
	struct archive_place *place, const char **why);

/* For who reads inner directly, once that is at its end: it is a whole one, and nothing
 * follows. */
int archive_reader_finish(struct archive_reader *r, struct err *e);

void archive_reader_close(struct archive_reader *r);

#endif
