/* SPDX-License-Identifier: MIT */
#include <endian.h>

#include "image/digest.h"
#include "image/squashfs.h"

uint64_t squashfs_blocks(const struct squashfs *s, uint64_t size, uint32_t fragment)
{
	uint64_t n = size >> s->super.block_log;

	if (fragment == SQUASHFS_NONE && (size & (s->super.block_size - 1)))
		n++;
	return n;
}

/* The block at a place of the image, with its length and a flag in size, into out. */
static int read_data(struct squashfs *s, uint64_t at, uint32_t size, uint8_t *out,
	size_t *got, struct err *e)
{
	size_t len = SQFS_ON_DISK_BLOCK_SIZE(size);

	if (len == 0 || len > s->super.block_size)
		return squashfs_bad(s, e, "a block of content has a wrong length");
	*got = len;
	if (!SQFS_IS_BLOCK_COMPRESSED(size))
		return squashfs_pread(s, at, out, len, e);
	if (squashfs_pread(s, at, s->raw, len, e) < 0)
		return -1;
	return squashfs_unpack(s, s->raw, len, out, s->super.block_size, got, e);
}

static int add_blocks(struct squashfs *s, struct digest *d, uint64_t file_size,
	const struct squashfs_file *f, struct err *e)
{
	uint64_t count = squashfs_blocks(s, file_size, f->fragment);
	struct squashfs_place sizes = f->sizes;
	uint64_t at = f->start;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t left = file_size - d->size;
		size_t want =
			left < s->super.block_size ? (size_t)left : s->super.block_size;
		uint32_t size;
		size_t got;

		if (squashfs_read(s, &sizes, &size, sizeof(size), e) < 0)
			return -1;
		size = le32toh(size);
		if (SQFS_IS_SPARSE_BLOCK(size)) {
			digest_add_zeros(d, want);
			continue;
		}
		if (read_data(s, at, size, s->block, &got, e) < 0)
			return -1;
		if (got != want)
			return squashfs_bad(
				s, e, "a block of content has a wrong length");
		digest_add(d, s->block, got);
		at += SQFS_ON_DISK_BLOCK_SIZE(size);
	}
	return 0;
}

/* The end of a file that shares a block with the ends of others. */
static int add_fragment(struct squashfs *s, struct digest *d, size_t len,
	const struct squashfs_file *f, struct err *e)
{
	struct sqfs_fragment_t entry;

	if (s->fragment_index != f->fragment) {
		s->fragment_index = UINT64_MAX;
		if (squashfs_entry(s, s->super.fragment_table_start, f->fragment,
			    s->super.fragment_entry_count, &entry, sizeof(entry), e) < 0)
			return -1;
		if (read_data(s, le64toh(entry.start_offset), le32toh(entry.size),
			    s->fragment, &s->fragment_len, e) < 0)
			return -1;
		s->fragment_index = f->fragment;
	}
	if (f->offset > s->fragment_len || len > s->fragment_len - f->offset)
		return squashfs_bad(s, e, "the end of a file is not where it should be");
	digest_add(d, s->fragment + f->offset, len);
	return 0;
}

int squashfs_content(struct squashfs *s, struct listing_inode *in,
	const struct squashfs_file *f, struct err *e)
{
	struct digest d;

	digest_start(&d);
	if (add_blocks(s, &d, in->size, f, e) < 0)
		return -1;
	if (d.size < in->size &&
		add_fragment(s, &d, (size_t)(in->size - d.size), f, e) < 0)
		return -1;
	digest_finish(&d, in);
	return 0;
}
