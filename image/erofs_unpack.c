/* SPDX-License-Identifier: MIT */
/* Compressed content, an extent at a time. */
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "image/erofs_data.h"

static const char *const algorithms[] = {"LZ4", "LZMA", "DEFLATE", "Zstandard"};

static int damaged(const struct erofs *fs, struct err *e)
{
	return erofs_bad(fs, e, "its compressed content is damaged");
}

static uint64_t extent_len(const struct erofs_data *d, size_t i)
{
	uint64_t end = i + 1 < d->map.count ? d->map.extents[i + 1].start : d->in.size;

	return end - d->map.extents[i].start;
}

/* The last extent that starts at or before off; the first one starts at 0. */
static size_t find_extent(const struct erofs_data *d, uint64_t off)
{
	size_t low = 0, high = d->map.count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (d->map.extents[mid].start <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Raw bytes, which may be kept at the place in the block that they have in the file. */
static int unpack_raw(
	struct erofs_data *d, uint64_t start, size_t len, size_t stored, struct err *e)
{
	size_t block = d->fs->block, at, part;

	if (len > stored)
		return damaged(d->fs, e);
	if (!d->map.interlaced) {
		memcpy(d->out, d->packed, len);
		return 0;
	}
	if (stored != block)
		return damaged(d->fs, e);
	at = start % block;
	part = len < block - at ? len : block - at;
	memcpy(d->out, d->packed + at, part);
	memcpy(d->out + part, d->packed, len - part);
	return 0;
}

static int unpack_lz4(
	struct erofs_data *d, bool partial, size_t len, size_t stored, struct err *e)
{
	bool padded = d->fs->incompat & EROFS_ZERO_PADDING;
	size_t skip = 0;
	int n;

	/* The zeros before the data are within the first block. */
	while (padded && skip < stored && skip < d->fs->block && !d->packed[skip])
		skip++;
	if (skip == stored || skip == d->fs->block)
		return damaged(d->fs, e);
	if (padded && !partial)
		n = LZ4_decompress_safe((char *)d->packed + skip, (char *)d->out,
			(int)(stored - skip), (int)len);
	else
		n = LZ4_decompress_safe_partial((char *)d->packed + skip, (char *)d->out,
			(int)(stored - skip), (int)len, (int)len);
	return n >= 0 && (size_t)n == len ? 0 : damaged(d->fs, e);
}

static int make_room(struct erofs_data *d, size_t len, struct err *e)
{
	if (!d->packed)
		d->packed = malloc(EROFS_STORED_MAX);
	if (!d->packed)
		return erofs_no_memory(d->fs, e);
	if (len > d->out_room) {
		unsigned char *p = realloc(d->out, len);

		if (!p)
			return erofs_no_memory(d->fs, e);
		d->out = p;
		d->out_room = len;
	}
	return 0;
}

static int unpack(struct erofs_data *d, size_t i, struct err *e)
{
	const struct erofs_extent *x = &d->map.extents[i];
	bool tail = d->map.tail_inline && i + 1 == d->map.count;
	uint64_t at = tail ? d->map.tail_at : (uint64_t)x->block << d->fs->bits;
	uint64_t stored = tail ? d->map.tail_size : (uint64_t)x->blocks << d->fs->bits;
	uint64_t len = extent_len(d, i);
	unsigned int algorithm = d->map.algorithm[x->head == EROFS_HEAD_SECOND];

	if (x->head != EROFS_HEAD_RAW && algorithm != 0)
		return erofs_bad(d->fs, e,
			"it is compressed with %s: livery cannot read this image",
			algorithm < sizeof(algorithms) / sizeof(algorithms[0])
				? algorithms[algorithm]
				: "something unknown");
	if (!stored || stored > EROFS_STORED_MAX || len > EROFS_UNPACKED_MAX)
		return damaged(d->fs, e);
	if (make_room(d, (size_t)len, e) < 0 ||
		erofs_read(d->fs, at, d->packed, (size_t)stored, e) < 0)
		return -1;
	if (x->head == EROFS_HEAD_RAW)
		return unpack_raw(d, x->start, (size_t)len, (size_t)stored, e);
	return unpack_lz4(d, x->partial, (size_t)len, (size_t)stored, e);
}

/* A part of the last extent, which is in the packed inode. */
static int packed_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e)
{
	struct erofs_data *packed = d->fs->packed;
	size_t last = d->map.count - 1;
	uint64_t size = extent_len(d, last), skip = off - d->map.extents[last].start;

	/* Not within itself: the packed inode is opened before it is known to others. */
	if (!packed || d == packed)
		return erofs_bad(d->fs, e, "its last bytes are nowhere");
	if (d->map.tail_at > packed->in.size || size > packed->in.size - d->map.tail_at)
		return damaged(d->fs, e);
	if (erofs_data_part(packed, d->map.tail_at + skip, bytes, len, e) < 0)
		return -1;
	if (*len > size - skip)
		*len = size - skip;
	return 0;
}

int erofs_unpack_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e)
{
	size_t i = find_extent(d, off);
	uint64_t skip = off - d->map.extents[i].start;

	if (d->map.tail_packed && i + 1 == d->map.count)
		return packed_part(d, off, bytes, len, e);
	if (d->out_extent != i) {
		d->out_extent = SIZE_MAX;
		if (unpack(d, i, e) < 0)
			return -1;
		d->out_extent = i;
	}
	*bytes = d->out + skip;
	*len = extent_len(d, i) - skip;
	return 0;
}
