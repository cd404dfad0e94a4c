/* SPDX-License-Identifier: MIT */
#include "image/digest.h"

#include <string.h>

void digest_start(struct digest *d)
{
	*d = (struct digest){0};
	sha256_init(&d->sha);
}

static bool all_zero(const unsigned char *p, size_t len)
{
	/* Equal to itself, one byte on: every byte is the first one. */
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	sha256_update(&d->sha, len, p);
	while (len > 0) {
		size_t left = LISTING_BLOCK - d->size % LISTING_BLOCK;
		size_t part = len < left ? len : left;

		if (d->size % LISTING_BLOCK == 0)
			d->block_has_data = false;
		if (!d->block_has_data && !all_zero(p, part)) {
			d->block_has_data = true;
			d->data_blocks++;
		}
		d->size += part;
		p += part;
		len -= part;
	}
}

void digest_add_zeros(struct digest *d, uint64_t len)
{
	static const unsigned char zeros[65536];

	while (len > 0) {
		size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		sha256_update(&d->sha, part, zeros);
		if (d->size / LISTING_BLOCK != (d->size + part) / LISTING_BLOCK)
			d->block_has_data = false;
		d->size += part;
		len -= part;
	}
}

void digest_finish(struct digest *d, struct listing_inode *in)
{
	sha256_digest(&d->sha, sizeof(in->sha256), in->sha256);
	in->data_blocks = d->data_blocks;
	in->digested = true;
}
