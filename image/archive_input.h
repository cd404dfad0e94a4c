/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an archive file for libarchive, whose gzip filter does not compare the
 * checksum and length that end a gzip file (RFC 1952): zlib reads those here. Whatever is
 * not gzip is passed on as it is.
 */
#ifndef IMAGE_ARCHIVE_INPUT_H
#define IMAGE_ARCHIVE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct archive;
struct archive_input;

/* Opens the reader a on a descriptor, from its place on, which stays the caller's. */
int archive_input_open_fd(struct archive_input **out, struct archive *a, int fd,
	const char *name, struct err *e);

/* Reads to the end of the file, behind the archive's own, where the checksum is. */
int archive_input_finish(struct archive_input *in, struct err *e);

/* Bytes so far, as they were passed on. */
uint64_t archive_input_total(const struct archive_input *in);

/* Whether that is the file as it is; known once something was read. */
bool archive_input_is_plain(const struct archive_input *in);

/* After archive_read_free() of the reader. NULL is fine. */
void archive_input_close(struct archive_input *in);

#endif
