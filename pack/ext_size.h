/* SPDX-License-Identifier: MIT */
/* How large an ext filesystem must be for a tree. */
#ifndef PACK_EXT_SIZE_H
#define PACK_EXT_SIZE_H

#include "image/listing.h"

struct ext_size {
	uint64_t bytes;  /* of the image; a multiple of 1 MiB */
	uint64_t inodes; /* for mke2fs -N */
};

/* Below this mke2fs makes no journal: 2,048 blocks of LISTING_BLOCK bytes. */
#define EXT_JOURNAL_MIN ((uint64_t)2048 * LISTING_BLOCK)

/* journal: the filesystem will have one, as mke2fs would size it. Blocks of 4 KiB. */
struct ext_size ext_size_for(const struct listing *l, bool journal);

#endif
