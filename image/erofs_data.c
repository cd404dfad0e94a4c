/* SPDX-License-Identifier: MIT */
#include "image/erofs_data.h"

#include <stdlib.h>
#include <string.h>

#define RAW_MAX ((size_t)1 << 18) /* bytes of uncompressed content at a time */

#define CHUNK_BITS    0x001fu /* chunk format: how many more than a block's */
#define CHUNK_INDEXES 0x0020u /* entries of 8 bytes (struct erofs_inode_chunk_index) */

static int raw_part(struct erofs_data *d, uint64_t at, uint64_t room,
	const unsigned char **bytes, uint64_t *len, struct err *e)
{
	if (!d->raw)
		d->raw = malloc(RAW_MAX);
	if (!d->raw)
		return erofs_no_memory(d->fs, e);
	*len = room < RAW_MAX ? room : RAW_MAX;
	*bytes = d->raw;
	return erofs_read(d->fs, at, d->raw, (size_t)*len, e);
}

static int flat_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e)
{
	uint64_t whole = d->in.size;

	if (d->in.layout == EROFS_INLINE)
		whole -= (d->in.size - 1) % d->fs->block + 1;
	if (off >= whole)
		return raw_part(
			d, d->in.tail + (off - whole), d->in.size - off, bytes, len, e);
	return raw_part(d, ((uint64_t)d->in.where << d->fs->bits) + off, whole - off,
		bytes, len, e);
}

static int chunk_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e)
{
	uint32_t format = d->in.where & 0xffff;
	unsigned int bits = d->fs->bits + (format & CHUNK_BITS);
	unsigned int unit = format & CHUNK_INDEXES ? 8 : 4;
	uint64_t number = off >> bits, skip = off - (number << bits);
	uint64_t room = ((uint64_t)1 << bits) - skip;
	unsigned char p[8];
	uint32_t block;

	if (room > d->in.size - off)
		room = d->in.size - off;
	if (number > d->fs->end / unit)
		return erofs_bad(d->fs, e, "it claims more than the image holds");
	if (erofs_read_meta(
		    d->fs, erofs_align(d->in.tail, unit) + number * unit, p, unit, e) < 0)
		return -1;
	block = erofs_le32(p + unit - 4);
	if (block == EROFS_HOLE) {
		*bytes = NULL;
		*len = room;
		return 0;
	}
	if (unit == 8 && erofs_le16(p + 2))
		return erofs_bad(d->fs, e, "its content is on another device");
	return raw_part(d, ((uint64_t)block << d->fs->bits) + skip, room, bytes, len, e);
}

int erofs_data_open(struct erofs_data *d, struct erofs *fs, const struct erofs_inode *in,
	struct err *e)
{
	d->fs = fs;
	d->in = *in;
	d->out_extent = SIZE_MAX;
	switch (in->layout) {
	case EROFS_FULL:
	case EROFS_COMPACT:
		return erofs_zmap_load(fs, in, &d->map, e);
	case EROFS_CHUNKS:
		if ((in->where & 0xffff) & ~(CHUNK_BITS | CHUNK_INDEXES))
			return erofs_bad(fs, e, "its chunks have an unknown form: 0x%x",
				in->where & 0xffff);
		return 0;
	default:
		return 0;
	}
}

void erofs_data_free(struct erofs_data *d)
{
	free(d->map.extents);
	free(d->raw);
	free(d->packed);
	free(d->out);
	*d = (struct erofs_data){0};
}

int erofs_data_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e)
{
	switch (d->in.layout) {
	case EROFS_FULL:
	case EROFS_COMPACT:
		return erofs_unpack_part(d, off, bytes, len, e);
	case EROFS_CHUNKS:
		return chunk_part(d, off, bytes, len, e);
	default:
		return flat_part(d, off, bytes, len, e);
	}
}

int erofs_data_read(
	struct erofs_data *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	unsigned char *p = buf;

	while (len > 0) {
		const unsigned char *bytes;
		uint64_t part;

		if (erofs_data_part(d, off, &bytes, &part, e) < 0)
			return -1;
		if (part > len)
			part = len;
		if (bytes)
			memcpy(p, bytes, (size_t)part);
		else
			memset(p, 0, (size_t)part);
		p += part;
		off += part;
		len -= (size_t)part;
	}
	return 0;
}
