/* SPDX-License-Identifier: MIT */
/* What writers of archives share; for pack/archive*.c only. */
#ifndef PACK_ARCHIVE_OUT_H
#define PACK_ARCHIVE_OUT_H

#include "fs/engine.h"
#include "image/listing.h"

/* Takes bytes of content; -1 with e ends it. */
typedef int out_fn(void *arg, const void *bytes, size_t len, struct err *e);

/* Exactly as many bytes of a regular file as the listing says. */
int out_content(struct engine *en, const struct listing_inode *in, out_fn *put, void *arg,
	struct err *e);

/* What the format cannot keep: ERR_REFUSED, always -1. */
int out_refuse(const struct listing_entry *at, struct err *e, const char *why);

int out_tar(int fd, struct engine *en, const struct listing *l, struct err *e);
int out_cpio(int fd, struct engine *en, const struct listing *l, struct err *e);

#endif
