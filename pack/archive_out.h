/* SPDX-License-Identifier: MIT */
/*
 * What writers of archives share; for pack/archive*.c only. The formats are written here
 * and not by libarchive, which has no RHT.security.selinux, writes negative times with a
 * fraction as others, and depends on the locale for names.
 */
#ifndef PACK_ARCHIVE_OUT_H
#define PACK_ARCHIVE_OUT_H

#include "fs/engine.h"
#include "image/listing.h"

struct out {
	int fd;
	struct engine *en;
	uint64_t total; /* bytes so far */
	size_t used;    /* of block */
	char block[1 << 16];
};

int out_bytes(struct out *o, const void *bytes, size_t len, struct err *e);
int out_pad(struct out *o, size_t to, struct err *e); /* with zeros; to <= 10240 */
int out_flush(struct out *o, struct err *e);
int out_content(struct out *o, const struct listing_inode *in, struct err *e);

/* What the format cannot keep: ERR_REFUSED, always -1. */
int out_refuse(const struct listing_entry *at, struct err *e, const char *why);

int out_tar(struct out *o, const struct listing *l, struct err *e);
int out_cpio(struct out *o, const struct listing *l, struct err *e);

#endif
