/* SPDX-License-Identifier: MIT */
/* The kinds of images, what makes them, and what they cannot keep. */
#ifndef PACK_FORMAT_H
#define PACK_FORMAT_H

#include "image/listing.h"

enum format_family {
	FORMAT_EXT,
	FORMAT_SQUASHFS,
	FORMAT_EROFS,
	FORMAT_ARCHIVE,
};

struct format {
	const char *name; /* "ext4" */
	enum format_family family;
	const char *tool; /* that makes it; NULL: livery itself */
	const char *package;
};

/* By name; NULL with e. */
const struct format *format_find(const char *name, struct err *e);

/* All names, separated by ", ", for messages. */
#define FORMAT_NAMES "ext4, ext3, ext2, squashfs, erofs, tar, cpio"

/*
 * 0 when the format keeps all that the listing has. Otherwise ERR_REFUSED naming the
 * first path and what would be lost. A fraction of a second that a format has no room for
 * is cut off, as POSIX has filesystems do (utimensat).
 */
int format_check(const struct format *f, const struct listing *l, struct err *e);

/* The first path with an attribute that no mount can show (trusted.*), or NULL. */
const char *format_unshown(const struct listing *l);

#endif
