/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <sqfs/inode.h>
#include <stddef.h>

#include "image/squashfs.h"

/* Extended inodes have the types of basic ones and seven more. */
#define BASIC_TYPES 7

static void decode_file(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_file_t *f = raw;

	in->size = le32toh(f->file_size);
	in->file.start = le32toh(f->blocks_start);
	in->file.fragment = le32toh(f->fragment_index);
	in->file.offset = le32toh(f->fragment_offset);
}

static void decode_file_ext(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_file_ext_t *f = raw;

	in->size = le64toh(f->file_size);
	in->file.start = le64toh(f->blocks_start);
	in->file.fragment = le32toh(f->fragment_idx);
	in->file.offset = le32toh(f->fragment_offset);
	in->xattrs = le32toh(f->xattr_idx);
	in->links = le32toh(f->nlink);
}

static void decode_dir(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_dir_t *d = raw;

	in->size = le16toh(d->size);
	in->dir_block = le32toh(d->start_block);
	in->dir_offset = le16toh(d->offset);
}

static void decode_dir_ext(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_dir_ext_t *d = raw;

	in->size = le32toh(d->size);
	in->dir_block = le32toh(d->start_block);
	in->dir_offset = le16toh(d->offset);
	in->xattrs = le32toh(d->xattr_idx);
}

static void decode_slink(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_slink_t *l = raw;

	in->size = le32toh(l->target_size);
	in->links = le32toh(l->nlink);
}

static void decode_dev(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_dev_t *d = raw;

	in->devno = le32toh(d->devno);
	in->links = le32toh(d->nlink);
}

static void decode_dev_ext(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_dev_ext_t *d = raw;

	in->devno = le32toh(d->devno);
	in->xattrs = le32toh(d->xattr_idx);
	in->links = le32toh(d->nlink);
}

static void decode_ipc(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_ipc_t *i = raw;

	in->links = le32toh(i->nlink);
}

static void decode_ipc_ext(struct squashfs_inode *in, const void *raw)
{
	const struct sqfs_inode_ipc_ext_t *i = raw;

	in->xattrs = le32toh(i->xattr_idx);
	in->links = le32toh(i->nlink);
}

static const struct {
	void (*decode)(struct squashfs_inode *in, const void *raw);
	size_t size;
} types[] = {
	[SQFS_INODE_DIR] = {decode_dir, sizeof(struct sqfs_inode_dir_t)},
	[SQFS_INODE_FILE] = {decode_file, sizeof(struct sqfs_inode_file_t)},
	[SQFS_INODE_SLINK] = {decode_slink, sizeof(struct sqfs_inode_slink_t)},
	[SQFS_INODE_BDEV] = {decode_dev, sizeof(struct sqfs_inode_dev_t)},
	[SQFS_INODE_CDEV] = {decode_dev, sizeof(struct sqfs_inode_dev_t)},
	[SQFS_INODE_FIFO] = {decode_ipc, sizeof(struct sqfs_inode_ipc_t)},
	[SQFS_INODE_SOCKET] = {decode_ipc, sizeof(struct sqfs_inode_ipc_t)},
	[SQFS_INODE_EXT_DIR] = {decode_dir_ext, sizeof(struct sqfs_inode_dir_ext_t)},
	[SQFS_INODE_EXT_FILE] = {decode_file_ext, sizeof(struct sqfs_inode_file_ext_t)},
	/* Its attributes are behind the target. */
	[SQFS_INODE_EXT_SLINK] = {decode_slink, sizeof(struct sqfs_inode_slink_t)},
	[SQFS_INODE_EXT_BDEV] = {decode_dev_ext, sizeof(struct sqfs_inode_dev_ext_t)},
	[SQFS_INODE_EXT_CDEV] = {decode_dev_ext, sizeof(struct sqfs_inode_dev_ext_t)},
	[SQFS_INODE_EXT_FIFO] = {decode_ipc_ext, sizeof(struct sqfs_inode_ipc_ext_t)},
	[SQFS_INODE_EXT_SOCKET] = {decode_ipc_ext, sizeof(struct sqfs_inode_ipc_ext_t)},
};

/* What follows the fixed part; p is behind that. */
static int read_tail(struct squashfs *s, struct squashfs_inode *in, bool extended,
	struct squashfs_place *p, struct err *e)
{
	uint64_t blocks;
	uint32_t index;

	if (in->type == SQFS_INODE_FILE) {
		blocks = squashfs_blocks(s, in->size, in->file.fragment);
		if (blocks > UINT32_MAX)
			return squashfs_bad(s, e, "a file is larger than it can be");
		in->file.sizes = *p;
		s->inodes.used += blocks * 4;
		return squashfs_read(s, p, NULL, (size_t)blocks * 4, e);
	}
	if (in->type != SQFS_INODE_SLINK)
		return 0;
	if (in->size > LISTING_TARGET_MAX)
		return squashfs_bad(s, e, "a symbolic link's target is too long");
	in->target = *p;
	s->inodes.used += in->size;
	if (squashfs_read(s, p, NULL, (size_t)in->size, e) < 0)
		return -1;
	if (extended) {
		if (squashfs_read(s, p, &index, sizeof(index), e) < 0)
			return -1;
		in->xattrs = le32toh(index);
	}
	return 0;
}

int squashfs_inode(
	struct squashfs *s, uint64_t ref, struct squashfs_inode *in, struct err *e)
{
	struct squashfs_place p =
		squashfs_at(&s->inodes, s->super.inode_table_start, ref);
	struct sqfs_inode_t base;
	union {
		struct sqfs_inode_file_ext_t file;
		struct sqfs_inode_dir_ext_t dir;
		struct sqfs_inode_dev_ext_t dev;
	} raw;
	uint16_t type;

	if (squashfs_read(s, &p, &base, sizeof(base), e) < 0)
		return -1;
	type = le16toh(base.type);
	if (type < SQFS_INODE_DIR || type > SQFS_INODE_EXT_SOCKET)
		return squashfs_bad(s, e, "an inode has a type that there is not");
	*in = (struct squashfs_inode){
		.type = type > BASIC_TYPES ? type - BASIC_TYPES : type,
		.mode = le16toh(base.mode),
		.uid = le16toh(base.uid_idx),
		.gid = le16toh(base.gid_idx),
		.mtime = le32toh(base.mod_time),
		.number = le32toh(base.inode_number),
		.xattrs = SQUASHFS_NONE,
		.links = 1, /* a basic file has no field for it */
	};
	if (squashfs_read(s, &p, &raw, types[type].size, e) < 0)
		return -1;
	types[type].decode(in, &raw);
	s->inodes.used += sizeof(base) + types[type].size;
	if (read_tail(s, in, type > BASIC_TYPES, &p, e) < 0)
		return -1;
	if (s->inodes.used > s->inodes.held)
		return squashfs_bad(s, e, "inodes overlap");
	return 0;
}
