/* SPDX-License-Identifier: MIT */
/* Listings made by hand; what must work ends the program if it fails. */
#ifndef TESTS_UNIT_LISTING_UTIL_H
#define TESTS_UNIT_LISTING_UTIL_H

#include <err.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "image/listing.h"

static inline void must_init(struct listing *l, const char *name)
{
	struct err e = {0};

	if (listing_init(l, name, &e) < 0)
		errx(1, "%s", e.msg);
}

static inline void must_finish(struct listing *l)
{
	struct err e = {0};

	if (listing_finish(l, &e) < 0)
		errx(1, "%s", e.msg);
}

/* A name of a new inode. */
static inline struct listing_inode *put_name(
	struct listing *l, const char *path, uint32_t mode)
{
	struct listing_inode *in;
	struct err e = {0};

	if (listing_add(l, path, 0, &in, &e) != 0)
		errx(1, "%s", e.msg);
	in->mode = mode;
	return in;
}

static inline void put_hardlink(
	struct listing *l, const char *path, struct listing_inode *in)
{
	struct err e = {0};

	if (listing_link(l, path, in, &e) < 0)
		errx(1, "%s", e.msg);
}

static inline struct listing_inode *put_content(
	struct listing *l, const char *path, const char *text)
{
	struct listing_inode *in = put_name(l, path, S_IFREG | 0644);
	struct sha256_ctx sha;

	in->size = strlen(text);
	sha256_init(&sha);
	sha256_update(&sha, strlen(text), (const uint8_t *)text);
	sha256_digest(&sha, sizeof(in->sha256), in->sha256);
	in->data_blocks = (in->size + LISTING_BLOCK - 1) / LISTING_BLOCK;
	in->digested = true;
	return in;
}

static inline struct listing_inode *put_target(
	struct listing *l, const char *path, const char *target)
{
	struct listing_inode *in = put_name(l, path, S_IFLNK | 0777);
	struct err e = {0};

	if (listing_set_target(l, in, target, strlen(target), &e) < 0)
		errx(1, "%s", e.msg);
	return in;
}

static inline void put_attribute(struct listing *l, struct listing_inode *in,
	const char *name, const void *value, size_t len)
{
	struct err e = {0};

	if (listing_add_xattr(l, in, name, value, len, &e) < 0)
		errx(1, "%s", e.msg);
}

#endif
