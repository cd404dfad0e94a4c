/* SPDX-License-Identifier: MIT */
/*
 * Which blocks an inode's content is in: extent trees (Linux, fs/ext4/ext4_extents.h) and
 * the older block pointers with their indirect blocks.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/ext.h"

#define DEPTH_MAX 5 /* of an extent tree; EXT4_MAX_EXTENT_DEPTH */

struct mapper {
	struct ext *x;
	const struct ext_map *m;
	uint32_t ino;
	uint64_t next;  /* the first block of the file that may come */
	uint64_t count; /* blocks of this inode so far, the map's own too */
	/* A run that may go on. */
	uint64_t logical, physical, run;
	bool unwritten;
	bool counted; /* its blocks are nobody else's */
};

static int damaged(const struct mapper *p, struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT, "%s: inode %u: %s", p->x->name, p->ino, what);
}

/* All blocks that may have one owner only cannot be more than there are. */
static int claim(struct mapper *p, uint64_t physical, uint64_t count, struct err *e)
{
	const struct ext2_super_block *s = p->x->fs->super;

	if (physical < 1 || physical < s->s_first_data_block ||
		physical >= p->x->blocks || count > p->x->blocks - physical)
		return damaged(p, e, "it has blocks that lie outside of the filesystem");
	p->count += count;
	if (p->counted)
		p->x->used += count;
	if (p->count > p->x->blocks || p->x->used > p->x->blocks)
		return damaged(p, e, "it has blocks that something else has too");
	return 0;
}

static int meta(struct mapper *p, uint64_t block, struct err *e)
{
	if (claim(p, block, 1, e) < 0)
		return -1;
	return p->m->meta ? p->m->meta(p->m->arg, block, e) : 0;
}

static int flush(struct mapper *p, struct err *e)
{
	uint64_t run = p->run;

	p->run = 0;
	return run ? p->m->run(p->m->arg, p->logical, p->physical, run, p->unwritten, e)
		   : 0;
}

static int add(struct mapper *p, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	if (claim(p, physical, count, e) < 0)
		return -1;
	if (p->run && logical == p->logical + p->run &&
		physical == p->physical + p->run && unwritten == p->unwritten) {
		p->run += count;
		return 0;
	}
	if (flush(p, e) < 0)
		return -1;
	p->logical = logical;
	p->physical = physical;
	p->run = count;
	p->unwritten = unwritten;
	return 0;
}

static void *read_block(struct mapper *p, uint64_t block, struct err *e)
{
	char *b;
	errcode_t rc;

	if (meta(p, block, e) < 0)
		return NULL;
	b = malloc(p->x->fs->blocksize);
	if (!b) {
		err_sys(e, p->x->name, "cannot read");
		return NULL;
	}
	rc = io_channel_read_blk64(p->x->fs->io, block, 1, b);
	if (rc) {
		ext_error(p->x, rc, e, "inode %u: block %llu", p->ino,
			(unsigned long long)block);
		free(b);
		return NULL;
	}
	return b;
}

static int leaf(struct mapper *p, const struct ext3_extent_header *eh, struct err *e)
{
	const struct ext3_extent *at = (const struct ext3_extent *)(eh + 1);

	for (unsigned int n = le16toh(eh->eh_entries); n > 0; n--, at++) {
		uint64_t logical = le32toh(at->ee_block);
		uint64_t count = le16toh(at->ee_len);
		uint64_t physical =
			le32toh(at->ee_start) | (uint64_t)le16toh(at->ee_start_hi) << 32;
		bool unwritten = count > EXT_INIT_MAX_LEN;

		if (unwritten)
			count -= EXT_INIT_MAX_LEN;
		if (count == 0 || logical < p->next || logical + count > UINT32_MAX)
			return damaged(p, e, "its extents are out of order");
		p->next = logical + count;
		if (add(p, logical, physical, count, unwritten, e) < 0)
			return -1;
	}
	return 0;
}

static int header_good(
	const struct ext3_extent_header *eh, size_t room, unsigned int depth)
{
	unsigned int max = le16toh(eh->eh_max), entries = le16toh(eh->eh_entries);

	return le16toh(eh->eh_magic) == EXT3_EXT_MAGIC &&
	       le16toh(eh->eh_depth) == depth && entries <= max &&
	       (entries > 0 || depth == 0) &&
	       max <= (room - sizeof(*eh)) / sizeof(struct ext3_extent);
}

/* Depth is checked before, and every level has one less: this ends after DEPTH_MAX. */
static int node(struct mapper *p, const struct ext3_extent_header *eh, unsigned int depth,
	struct err *e)
{
	const struct ext3_extent_idx *at = (const struct ext3_extent_idx *)(eh + 1);

	if (depth == 0)
		return leaf(p, eh, e);
	for (unsigned int n = le16toh(eh->eh_entries); n > 0; n--, at++) {
		cleanup_free struct ext3_extent_header *below = NULL;

		if (le32toh(at->ei_block) < p->next)
			return damaged(p, e, "its extents are out of order");
		below = read_block(p,
			le32toh(at->ei_leaf) | (uint64_t)le16toh(at->ei_leaf_hi) << 32,
			e);
		if (!below)
			return -1;
		if (!header_good(below, p->x->fs->blocksize, depth - 1))
			return damaged(p, e, "its extent tree is damaged");
		if (!ext2fs_extent_block_csum_verify(p->x->fs, p->ino, below))
			return damaged(p, e,
				"a block of its extent tree does not match its checksum");
		if (node(p, below, depth - 1, e) < 0)
			return -1;
	}
	return 0;
}

/* A pointer to content (level 0) or to a block of pointers, which covers `span` blocks.
 */
static int pointer(struct mapper *p, uint32_t block, unsigned int level, struct err *e)
{
	uint64_t per = p->x->fs->blocksize / sizeof(uint32_t);
	cleanup_free uint32_t *below = NULL;
	uint64_t span = 1, at = p->next;

	for (unsigned int i = 0; i < level; i++)
		span *= per;
	if (block == 0) {
		p->next = at + span;
		return 0;
	}
	if (level == 0) {
		p->next = at + 1;
		return add(p, at, block, 1, false, e);
	}
	below = read_block(p, block, e);
	if (!below)
		return -1;
	for (uint64_t i = 0; i < per; i++)
		if (pointer(p, le32toh(below[i]), level - 1, e) < 0)
			return -1;
	return 0;
}

static int pointers(struct mapper *p, const struct ext2_inode_large *in, struct err *e)
{
	for (unsigned int i = 0; i < EXT2_N_BLOCKS; i++)
		if (pointer(p, in->i_block[i],
			    i < EXT2_NDIR_BLOCKS ? 0 : i - EXT2_NDIR_BLOCKS + 1, e) < 0)
			return -1;
	return 0;
}

int ext_map(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	const struct ext_map *m, struct err *e)
{
	struct mapper p = {.x = x, .m = m, .ino = ino};
	const struct ext2_super_block *s = x->fs->super;
	struct ext3_extent_header eh[5]; /* as much as i_block, which begins with one */
	unsigned int depth;

	if (in->i_flags & EXT4_INLINE_DATA_FL)
		return 0;
	/*
	 * An attribute's value may be that of many inodes, and in Android's images any
	 * file may share its blocks.
	 */
	p.counted =
		!(in->i_flags & EXT4_EA_INODE_FL) &&
		(LINUX_S_ISDIR(in->i_mode) ||
			!(s->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS));
	if (!(in->i_flags & EXT4_EXTENTS_FL))
		return pointers(&p, in, e) < 0 ? -1 : flush(&p, e);
	_Static_assert(sizeof(eh) == sizeof(in->i_block), "the root of the tree");
	memcpy(eh, in->i_block, sizeof(eh));
	depth = le16toh(eh->eh_depth);
	if (depth > DEPTH_MAX || !header_good(eh, sizeof(eh), depth))
		return damaged(&p, e, "its extent tree is damaged");
	return node(&p, eh, depth, e) < 0 ? -1 : flush(&p, e);
}
