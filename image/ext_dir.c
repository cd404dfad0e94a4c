/* SPDX-License-Identifier: MIT */
/*
 * Names in directories. Indexed directories are read like plain ones: to who does not
 * know them, their index looks like unused entries (Linux, fs/ext4/namei.c).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/ext.h"

#define HEADER        8 /* bytes of an entry before its name */
#define INLINE_PARENT 4 /* bytes: an inline directory begins with its parent's number */

struct reading {
	struct ext *x;
	uint32_t ino, parent;
	uint64_t next, blocks; /* in blocks of the directory */
	unsigned int dots;     /* 1: "." was seen, 2: ".." */
	char *block;
	ext_name *add;
	void *arg;
};

static int damaged(const struct reading *r, struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT, "%s: directory %u: %s", r->x->name, r->ino, what);
}

/* 1 for "." and "..", which are no names, 0 for others, -1 for wrong ones. */
static int dot(struct reading *r, const char *name, uint32_t ino, struct err *e)
{
	unsigned int which = strcmp(name, ".") == 0 ? 1 : strcmp(name, "..") == 0 ? 2 : 0;

	if (!which)
		return 0;
	if ((r->dots & which) || ino != (which == 1 ? r->ino : r->parent))
		return damaged(r, e, "its entries \".\" and \"..\" are wrong");
	r->dots |= which;
	return 1;
}

static int entry(struct reading *r, const char *p, size_t len, struct err *e)
{
	struct ext2_dir_entry_2 head;
	char name[EXT2_NAME_LEN + 1];
	int rc;

	memcpy(&head, p, HEADER);
	if (head.inode == 0)
		return 0;
	if (head.name_len == 0 || (size_t)head.name_len + HEADER > len)
		return damaged(r, e, "an entry's name is longer than the entry");
	memcpy(name, p + HEADER, head.name_len);
	name[head.name_len] = 0;
	if (strlen(name) != head.name_len || strchr(name, '/'))
		return damaged(r, e, "it holds a name that no file can have");
	rc = dot(r, name, head.inode, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!ext2fs_has_feature_filetype(r->x->fs->super))
		head.file_type = EXT2_FT_UNKNOWN;
	return r->add(r->arg, name, head.inode, head.file_type, e);
}

static int entries(struct reading *r, const char *p, size_t size, struct err *e)
{
	size_t at = 0;

	while (at < size) {
		uint16_t field;
		size_t len;

		if (size - at < HEADER)
			return damaged(r, e, "it ends in the middle of an entry");
		memcpy(&field, p + at + 4, sizeof(field));
		/* 64 KiB do not fit in the field; ext4_rec_len_from_disk(). */
		len = size == 65536 && (field == 0 || field == 65535) ? 65536 : field;
		if (len < HEADER || len % 4 || len > size - at)
			return damaged(r, e, "an entry has an impossible length");
		if (entry(r, p + at, len, e) < 0)
			return -1;
		at += len;
	}
	return 0;
}

static int run(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	struct reading *r = arg;

	if (unwritten || logical != r->next || count > r->blocks - r->next)
		return damaged(r, e, "its blocks and its size do not agree");
	for (uint64_t i = 0; i < count; i++) {
		errcode_t rc = ext2fs_read_dir_block4(
			r->x->fs, physical + i, r->block, 0, r->ino);

		if (rc)
			return ext_error(r->x, rc, e, "directory %u", r->ino);
		if (entries(r, r->block, r->x->fs->blocksize, e) < 0)
			return -1;
	}
	r->next += count;
	return 0;
}

/* Two runs of entries: in the inode's block pointers, and in an attribute. */
static int inline_entries(
	struct reading *r, const struct ext2_inode_large *in, struct err *e)
{
	cleanup_buf struct buf b = {0};
	uint32_t parent;
	size_t first = sizeof(in->i_block);

	if (ext_inline(r->x, r->ino, in, &b, e) < 0)
		return -1;
	if (ext_size(r->x, in) > b.len)
		return damaged(r, e, "it has less inline data than its size says");
	memcpy(&parent, b.data, sizeof(parent));
	if (le32toh(parent) != r->parent)
		return damaged(r, e, "it does not know the directory that it is in");
	if (entries(r, b.data + INLINE_PARENT, first - INLINE_PARENT, e) < 0)
		return -1;
	return entries(r, b.data + first, b.len - first, e);
}

int ext_directory(struct ext *x, uint32_t ino, uint32_t parent,
	const struct ext2_inode_large *in, ext_name *add, void *arg, struct err *e)
{
	uint64_t size = ext_size(x, in);
	struct reading r = {.x = x, .ino = ino, .parent = parent, .add = add, .arg = arg};
	struct ext_map m = {&r, run, NULL};
	int rc;

	if (in->i_flags & (EXT4_ENCRYPT_FL | EXT4_CASEFOLD_FL))
		return damaged(&r, e,
			in->i_flags & EXT4_ENCRYPT_FL
				? "its names are encrypted"
				: "its names are casefolded, which is not supported");
	if (in->i_flags & EXT4_INLINE_DATA_FL)
		return inline_entries(&r, in, e);
	r.blocks = size / x->fs->blocksize;
	if (size == 0 || size % x->fs->blocksize)
		return damaged(&r, e, "it has an impossible size");
	r.block = malloc(x->fs->blocksize);
	if (!r.block)
		return err_sys(e, x->name, "cannot read");
	rc = ext_map(x, ino, in, &m, e);
	free(r.block);
	if (rc < 0)
		return -1;
	if (r.next != r.blocks)
		return damaged(&r, e, "its blocks and its size do not agree");
	if (r.dots != 3)
		return damaged(&r, e, "its entries \".\" and \"..\" are missing");
	return 0;
}
