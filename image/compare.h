/* SPDX-License-Identifier: MIT */
/* Two listings, inode by inode. */
#ifndef IMAGE_COMPARE_H
#define IMAGE_COMPARE_H

#include "image/listing.h"

/* Texts are fit to print, and valid until the callback returns. */
struct difference {
	const char *path; /* as in the listing: bytes */
	const char
		*field; /* "mode", "label", "content", …; "name" for missing and extra */
	const char *expected;
	const char *found;
};

typedef void compare_fn(void *arg, const struct difference *d);

/*
 * Calls back for each difference, in the order of the paths. found was listed with
 * expected as its expected: what was not digested there differs in size. Times are
 * compared as finely as the image keeps them, labels without regard to a NUL at their
 * end. Returns how many there were, -1: no memory.
 */
long compare_listings(const struct listing *expected, const struct listing *found,
	compare_fn *fn, void *arg, struct err *e);

#endif
