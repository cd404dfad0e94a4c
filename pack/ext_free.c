/* SPDX-License-Identifier: MIT */
/*
 * Inodes and attributes of an image given back to it. What is freed is filled with zeros,
 * so that the image shows nothing of how it came about.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "pack/ext_parts.h"

struct freeing {
	struct finish *f;
	char *zeros;
	uint32_t *ea_inodes;
	size_t count;
};

static int free_block(struct freeing *r, uint64_t block, struct err *e)
{
	ext2_filsys fs = r->f->x.fs;
	errcode_t rc = io_channel_write_blk64(fs->io, block, 1, r->zeros);

	if (rc)
		return ext_error(
			&r->f->x, rc, e, "block %llu", (unsigned long long)block);
	if (!ext2fs_test_block_bitmap2(fs->block_map, block))
		return err_set(e, ERR_INPUT, "%s: block %llu is used and marked as free",
			r->f->x.name, (unsigned long long)block);
	ext2fs_block_alloc_stats2(fs, block, -1);
	return 0;
}

static int free_run(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	(void)logical;
	(void)unwritten;
	for (uint64_t i = 0; i < count; i++)
		if (free_block(arg, physical + i, e) < 0)
			return -1;
	return 0;
}

static int free_meta(void *arg, uint64_t block, struct err *e)
{
	return free_block(arg, block, e);
}

static int note_ea_inode(void *arg, const struct ext_xattr *a, struct err *e)
{
	struct freeing *r = arg;
	uint32_t *p;

	if (!a->ea_inode)
		return 0;
	p = reallocarray(r->ea_inodes, r->count + 1, sizeof(*p));
	if (!p)
		return err_sys(e, r->f->x.name, "cannot finish");
	p[r->count++] = a->ea_inode;
	r->ea_inodes = p;
	return 0;
}

static int prepare(struct freeing *r, struct err *e)
{
	r->zeros = calloc(1, r->f->x.fs->blocksize);
	return r->zeros ? 0 : err_sys(e, r->f->x.name, "cannot finish");
}

static void done(struct freeing *r)
{
	free(r->zeros);
	free(r->ea_inodes);
}

/* Blocks of the content, and the inode; not its attributes. */
static int free_rest(struct freeing *r, uint32_t ino, struct err *e)
{
	struct ext *x = &r->f->x;
	struct ext2_inode_large *in = x->inode;
	bool is_dir = LINUX_S_ISDIR(in->i_mode);
	struct ext_map m = {r, free_run, free_meta};

	x->used = 0; /* the same blocks were counted when the tree was read */
	if (ext2fs_inode_has_valid_blocks2(x->fs, (struct ext2_inode *)in) &&
		ext_map(x, ino, in, &m, e) < 0)
		return -1;
	memset(in, 0, x->inode_bytes);
	if (ext_write_inode(r->f, ino, e) < 0)
		return -1;
	ext2fs_inode_alloc_stats2(x->fs, ino, -1, is_dir);
	return 0;
}

static int free_ea_inode(struct freeing *r, uint32_t ino, struct err *e)
{
	if (ext_inode(&r->f->x, ino, e) < 0)
		return -1;
	if (ext2fs_get_ea_inode_ref((struct ext2_inode *)r->f->x.inode) != 1)
		return err_set(e, ERR_INPUT,
			"%s: inode %u is an attribute of several files; mke2fs makes no "
			"such",
			r->f->x.name, ino);
	return free_rest(r, ino, e);
}

static int free_acl_block(struct freeing *r, struct err *e)
{
	struct ext *x = &r->f->x;
	struct ext2_inode *in = (struct ext2_inode *)x->inode;
	uint64_t block = ext2fs_file_acl_block(x->fs, in);
	cleanup_free char *b = malloc(x->fs->blocksize);
	struct ext2_ext_attr_header head;
	errcode_t rc;

	if (!b)
		return err_sys(e, x->name, "cannot finish");
	if (!block)
		return 0;
	/* ext_xattrs() has verified it. */
	rc = io_channel_read_blk64(x->fs->io, block, 1, b);
	if (rc)
		return ext_error(x, rc, e, "block %llu", (unsigned long long)block);
	memcpy(&head, b, sizeof(head));
	if (head.h_refcount != 1)
		return err_set(e, ERR_INPUT,
			"%s: files share a block of attributes; mke2fs makes no such",
			x->name);
	ext2fs_file_acl_block_set(x->fs, in, 0);
	return free_block(r, block, e);
}

static int strip(struct freeing *r, uint32_t ino, struct err *e)
{
	struct ext *x = &r->f->x;
	size_t size = EXT2_INODE_SIZE(x->fs->super);
	size_t fields = EXT2_GOOD_OLD_INODE_SIZE;
	cleanup_free void *copy = malloc(x->inode_bytes);

	if (ext_xattrs(x, ino, x->inode, note_ea_inode, r, e) < 0 ||
		free_acl_block(r, e) < 0)
		return -1;
	if (size > fields) {
		fields += x->inode->i_extra_isize;
		memset((char *)x->inode + fields, 0, size - fields);
	}
	/* x->inode is needed for each of those: put away for so long. */
	if (!copy)
		return err_sys(e, x->name, "cannot finish");
	memcpy(copy, x->inode, x->inode_bytes);
	for (size_t i = 0; i < r->count; i++)
		if (free_ea_inode(r, r->ea_inodes[i], e) < 0)
			return -1;
	memcpy(x->inode, copy, x->inode_bytes);
	return 0;
}

int ext_strip(struct finish *f, uint32_t ino, struct err *e)
{
	struct freeing r = {.f = f};
	int rc = prepare(&r, e) < 0 || strip(&r, ino, e) < 0 ? -1 : 0;

	done(&r);
	return rc;
}

int ext_free_inode(struct finish *f, uint32_t ino, struct err *e)
{
	struct freeing r = {.f = f};
	int rc = -1;

	if (prepare(&r, e) == 0 && ext_inode(&f->x, ino, e) == 0 &&
		strip(&r, ino, e) == 0 && free_rest(&r, ino, e) == 0)
		rc = 0;
	done(&r);
	return rc;
}
