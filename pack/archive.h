/* SPDX-License-Identifier: MIT */
/* A tree as a tar or cpio stream, in the order of its listing. */
#ifndef PACK_ARCHIVE_H
#define PACK_ARCHIVE_H

#include "fs/engine.h"
#include "image/listing.h"

enum archive_format {
	ARCHIVE_TAR,  /* pax (POSIX.1-2001), attributes as SCHILY.xattr and RHT */
	ARCHIVE_CPIO, /* newc, which keeps no attributes and whole seconds only */
};

/*
 * Writes the archive to fd (a file or a pipe) and leaves it open. Contents come from the
 * engine, everything else from the listing, which was made from it. Refused
 * (ERR_REFUSED): what the format cannot keep, by name. Holes are written as zeros, so
 * that the bytes do not depend on the filesystem that the staging tree is on.
 */
int archive_stream(int fd, enum archive_format format, struct engine *en,
	const struct listing *l, struct err *e);

#endif
