/* SPDX-License-Identifier: MIT */
#include "pack/ext_size.h"

#include <string.h>
#include <sys/stat.h>

#define BLOCK        ((uint64_t)LISTING_BLOCK)
#define MIB          ((uint64_t)1 << 20)
#define GROUP_BLOCKS (8 * BLOCK) /* one bitmap block describes so many */

#define INODE_SIZE     256
#define IN_INODE_BYTES 96 /* of attributes in an inode of 256 bytes, with its fields */
#define FAST_LINK_MAX  59 /* bytes of a target that the inode holds itself */
#define DIRENT_HEAD    8

static uint64_t up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit;
}

/*
 * A map block names 340 extents or 1,024 blocks of a file; small files need none. Data
 * that lies scattered in a hole may need one for every 4 MiB.
 */
static uint64_t file_blocks(const struct listing_inode *in)
{
	uint64_t data = in->digested ? in->data_blocks : up(in->size, BLOCK);

	uint64_t spread = up(in->size, 1024 * BLOCK);

	return data + (data > 4 ? up(data, 340) + 2 : 0) +
	       (spread < data ? spread : data);
}

static uint64_t inode_blocks(const struct listing_inode *in)
{
	uint64_t blocks = 0, xattrs = 0;

	if (S_ISREG(in->mode))
		blocks = file_blocks(in);
	else if (S_ISLNK(in->mode))
		blocks = in->size > FAST_LINK_MAX;
	for (size_t i = 0; i < in->xattr_count; i++)
		xattrs += 16 + strlen(in->xattrs[i].name) + 4 + in->xattrs[i].len;
	return blocks + (xattrs > IN_INODE_BYTES ? up(xattrs, BLOCK) : 0);
}

/* An entry never crosses a block: each may waste the longest name's room. */
static uint64_t name_bytes(const char *path)
{
	const char *slash = strrchr(path, '/');

	return DIRENT_HEAD + up(strlen(slash ? slash + 1 : path), 4) * 4;
}

/* mke2fs, ext2fs_default_journal_size(): in blocks, by the size of the filesystem. */
static uint64_t journal_blocks(uint64_t blocks)
{
	if (blocks < 32768)
		return 1024;
	if (blocks < 256 * 1024)
		return 4096;
	if (blocks < 512 * 1024)
		return 8192;
	if (blocks < 4096 * 1024)
		return 16384;
	return blocks < 8192 * 1024 ? 32768 : 262144;
}

/* Bitmaps, inode tables, and copies of the descriptors with room to grow (resize). */
static uint64_t group_blocks(uint64_t blocks, uint64_t inodes)
{
	uint64_t groups = up(blocks, GROUP_BLOCKS);
	uint64_t descriptors = 1 + up(groups * 64, BLOCK);
	uint64_t growth = up(groups * 1024 * 64, BLOCK);

	if (growth > 1024)
		growth = 1024;
	return groups * 2 + up(inodes * INODE_SIZE, BLOCK) + groups +
	       (descriptors + growth) * (groups < 8 ? groups : 8 + groups / 16);
}

struct ext_size ext_size_for(const struct listing *l, bool journal)
{
	struct ext_size size = {0};
	uint64_t need = 0, names = 0, dirs = 0, blocks;

	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *at = &l->entries[i];

		names += name_bytes(at->path);
		if (at->inode->first != at->path)
			continue;
		size.inodes++;
		dirs += S_ISDIR(at->inode->mode);
		need += inode_blocks(at->inode);
	}
	need += dirs + up(names, BLOCK) + up(names, BLOCK) / 4;
	need += need / 32 + 64;
	size.inodes += 64;
	blocks = need;
	for (int i = 0; i < 4; i++)
		blocks = need + group_blocks(blocks, size.inodes) +
			 (journal ? journal_blocks(blocks) : 0);
	size.bytes = up(blocks * BLOCK, MIB) * MIB;
	if (journal && size.bytes < EXT_JOURNAL_MIN)
		size.bytes = EXT_JOURNAL_MIN;
	return size;
}
