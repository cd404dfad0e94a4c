/* SPDX-License-Identifier: MIT */
/*
 * The index of a compressed inode: one entry for each block of content, which says
 * whether an extent starts in it. Both forms of it (struct z_erofs_lcluster_index, and
 * packs of 2 or 16 entries) are read from front to back into a list of extents.
 */
#include <stdlib.h>

#include "image/erofs_data.h"

/* h_advise */
#define HAS_2B         0x0001u
#define HAS_BIG        0x0006u /* extents of more than one block, for either head */
#define HAS_INLINE     0x0008u
#define HAS_INTERLACED 0x0010u
#define HAS_FRAGMENT   0x0020u
#define HAS_KNOWN      0x003fu

#define HEADER      8
#define FULL_ENTRY  8
#define BLOCK_COUNT 0x0800u /* in a distance: it is a number of blocks instead */
#define PARTIAL     0x8000u
#define WHOLE_FILE  (1ull << 63) /* of the header: all of it is in the packed inode */

struct reader {
	struct erofs *fs;
	const struct erofs_inode *in;
	struct erofs_zmap *z;
	uint64_t at;      /* of the header, then of the index */
	uint64_t entries; /* of the index */
	uint64_t next;    /* entry to come */
	uint32_t advise;
	bool after_head; /* an extent starts in the entry before */
};

static int damaged(const struct reader *r, struct err *e)
{
	return erofs_bad(r->fs, e, "the index of its compressed content is damaged");
}

/* An extent starts in the next entry. */
static int add_head(struct reader *r, uint32_t type, uint32_t offset, uint32_t block,
	bool partial, struct err *e)
{
	struct erofs_zmap *z = r->z;
	uint64_t start = (r->next << r->fs->bits) + offset;

	if (offset >= r->fs->block || start > r->in->size || (z->count == 0 && start))
		return damaged(r, e);
	/* mkfs.erofs can mark the end like this. */
	if (start == r->in->size) {
		r->after_head = false;
		return 0;
	}
	if (z->count == z->room) {
		size_t room = z->room ? z->room * 2 : 16;
		struct erofs_extent *p = reallocarray(z->extents, room, sizeof(*p));

		if (!p)
			return erofs_no_memory(r->fs, e);
		z->extents = p;
		z->room = room;
	}
	z->extents[z->count++] = (struct erofs_extent){.start = start,
		.block = block,
		.blocks = 1,
		.head = (uint8_t)type,
		.partial = partial};
	r->after_head = true;
	return 0;
}

/*
 * No extent starts in the next entry. Where extents have several blocks, the first such
 * entry of one says how many; *blocks is that, or 0.
 */
static int add_rest(struct reader *r, uint32_t distance, uint32_t *blocks, struct err *e)
{
	struct erofs_zmap *z = r->z;

	*blocks = 0;
	if (z->count == 0)
		return damaged(r, e);
	if (distance & BLOCK_COUNT) {
		*blocks = distance & ~BLOCK_COUNT;
		if (!(r->advise & HAS_BIG) || !r->after_head)
			return damaged(r, e);
		z->extents[z->count - 1].blocks = (uint16_t)*blocks;
	} else if (r->after_head && r->advise & HAS_BIG &&
		   z->extents[z->count - 1].head != EROFS_HEAD_RAW) {
		z->extents[z->count - 1].blocks = 0;
	}
	r->after_head = false;
	return 0;
}

static int read_full(struct reader *r, struct err *e)
{
	/* erofs_fs.h: Z_EROFS_FULL_INDEX_START */
	r->at += HEADER + 8;
	for (; r->next < r->entries; r->next++, r->at += FULL_ENTRY) {
		unsigned char p[FULL_ENTRY];
		uint32_t type, unused;
		int rc;

		if (erofs_read_meta(r->fs, r->at, p, sizeof(p), e) < 0)
			return -1;
		type = erofs_le16(p) & 3;
		if (type == EROFS_HEAD_NONE)
			rc = add_rest(r, erofs_le16(p + 4), &unused, e);
		else
			rc = add_head(r, type, erofs_le16(p + 2), erofs_le32(p + 4),
				erofs_le16(p) & PARTIAL, e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/*
 * A pack ends with the address that its first extent has, less what each extent before
 * another one adds to it: one block, or its number of blocks. The first is counted too
 * unless extents can have several blocks.
 */
static int read_pack(struct reader *r, unsigned int entries, struct err *e)
{
	unsigned int size = entries == 2 ? 8 : 32;
	unsigned int width = (size - 4) * 8 / entries;
	unsigned int low = r->fs->bits < 12 ? 12 : r->fs->bits;
	unsigned char p[32 + 4] = {0};
	uint32_t block, blocks;

	if (erofs_read_meta(r->fs, r->at, p, size, e) < 0)
		return -1;
	block = erofs_le32(p + size - 4) + (r->advise & HAS_BIG ? 0 : 1);
	for (unsigned int i = 0; i < entries && r->next < r->entries; i++, r->next++) {
		unsigned int bit = i * width;
		uint32_t entry = erofs_le32(p + bit / 8) >> bit % 8;
		uint32_t value = entry & ((1u << low) - 1);
		uint32_t type = entry >> low & 3;
		bool after_head = r->after_head;

		if (type != EROFS_HEAD_NONE) {
			if (add_head(r, type, value, block, false, e) < 0)
				return -1;
			block++;
			continue;
		}
		if (add_rest(r, value, &blocks, e) < 0)
			return -1;
		/* The head was counted as one, if it is in this pack. */
		if (blocks)
			block += blocks - (i > 0 && after_head ? 1 : 0);
	}
	r->at += size;
	return 0;
}

/*
 * Entries of 4 bytes up to a multiple of 32 bytes, as many of 2 bytes as make whole
 * packs, and entries of 4 bytes for the rest.
 */
static int read_compact(struct reader *r, struct err *e)
{
	uint64_t first, narrow = 0;

	r->at += HEADER;
	first = (32 - r->at % 32) / 4 % 8;
	if (r->advise & HAS_2B && first < r->entries)
		narrow = (r->entries - first) / 16 * 16;
	/* No entry has room for more bits. */
	if (r->fs->bits > (r->advise & HAS_2B ? 12 : 14))
		return erofs_bad(r->fs, e, "its blocks are too large for its index");
	while (r->next < r->entries) {
		bool is_narrow = r->next >= first && r->next < first + narrow;

		if (read_pack(r, is_narrow ? 16 : 2, e) < 0)
			return -1;
	}
	return 0;
}

/* Where the last extent is, if it is not where the index says. */
static int find_tail(struct reader *r, const unsigned char *header, struct err *e)
{
	struct erofs_zmap *z = r->z;

	if (r->advise & HAS_INLINE && r->advise & HAS_FRAGMENT)
		return damaged(r, e);
	if (r->advise & HAS_INLINE) {
		z->tail_inline = true;
		z->tail_at = r->at;
		z->tail_size = erofs_le16(header + 2);
		/* The kernel refuses one that is in two blocks. */
		if (!z->tail_size ||
			z->tail_at % r->fs->block + z->tail_size > r->fs->block)
			return damaged(r, e);
	} else if (r->advise & HAS_FRAGMENT) {
		z->tail_packed = true;
		z->tail_at = erofs_le32(header);
		if (r->in->layout == EROFS_FULL)
			z->tail_at |= (uint64_t)z->extents[z->count - 1].block << 32;
	}
	return 0;
}

static int read_index(struct reader *r, const unsigned char *header, struct err *e)
{
	r->advise = erofs_le16(header + 4);
	if (r->advise & ~HAS_KNOWN)
		return erofs_bad(
			r->fs, e, "it is compressed in an unknown form: 0x%x", r->advise);
	/* As in Linux: units of more than a block are made by nothing. */
	if (header[7])
		return erofs_bad(
			r->fs, e, "it is compressed in units of an unknown size");
	r->z->algorithm[0] = header[6] & 15;
	r->z->algorithm[1] = header[6] >> 4;
	r->z->interlaced = r->advise & HAS_INTERLACED;
	r->entries = ((r->in->size - 1) >> r->fs->bits) + 1;
	/* Before anything is made of them: two bytes each at least. */
	if (r->entries > r->fs->end / 2)
		return damaged(r, e);
	if (r->in->layout == EROFS_FULL) {
		if (read_full(r, e) < 0)
			return -1;
	} else if (read_compact(r, e) < 0) {
		return -1;
	}
	return find_tail(r, header, e);
}

int erofs_zmap_load(struct erofs *fs, const struct erofs_inode *in, struct erofs_zmap *z,
	struct err *e)
{
	struct reader r = {.fs = fs, .in = in, .z = z, .at = erofs_align(in->tail, 8)};
	struct erofs_extent *extents = z->extents;
	size_t room = z->room;
	unsigned char header[HEADER];

	*z = (struct erofs_zmap){.extents = extents, .room = room};
	if (in->size == 0)
		return 0;
	if (erofs_read_meta(fs, r.at, header, sizeof(header), e) < 0)
		return -1;
	if (erofs_le64(header) & WHOLE_FILE) {
		if (add_head(&r, EROFS_HEAD_FIRST, 0, 0, false, e) < 0)
			return -1;
		z->tail_packed = true;
		z->tail_at = erofs_le64(header) & ~WHOLE_FILE;
		return 0;
	}
	return read_index(&r, header, e);
}
