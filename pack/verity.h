/* SPDX-License-Identifier: MIT */
/* dm-verity: the hash tree over an image, by veritysetup. */
#ifndef PACK_VERITY_H
#define PACK_VERITY_H

#include "pack/make.h"

#define VERITY_BLOCK 4096 /* bytes, of data and of hashes */

struct verity {
	char root_hash[129]; /* hexadecimal */
	char salt[65];       /* hexadecimal */
	char uuid[UUID_TEXT_SIZE];
	uint64_t hash_offset; /* bytes; where the hash area starts in its file */
	uint64_t data_blocks;
};

/*
 * Makes the hash tree of the image at path, which is padded to whole blocks. hash_file:
 * where the tree goes, there and empty; NULL: behind the image. Salt and UUID come from
 * the identity.
 */
int verity_make(struct verity *v, const char *path, const char *hash_file,
	const struct making *m, struct err *e);

#endif
