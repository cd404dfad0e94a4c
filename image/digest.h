/* SPDX-License-Identifier: MIT */
/* SHA-256 of a stream of content, with a count of its blocks that hold data. */
#ifndef IMAGE_DIGEST_H
#define IMAGE_DIGEST_H

#include <nettle/sha2.h>

#include "image/listing.h"

struct digest {
	struct sha256_ctx sha;
	uint64_t size;        /* bytes so far */
	uint64_t data_blocks; /* LISTING_BLOCK bytes each, from offset 0, not all zero */
	bool block_has_data;  /* the block that size is in */
};

void digest_start(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t len);

/* len zero bytes, without a buffer of them. */
void digest_add_zeros(struct digest *d, uint64_t len);

/* Sets sha256, data_blocks and digested. The inode's size is the caller's to compare. */
void digest_finish(struct digest *d, struct listing_inode *in);

#endif
