/* SPDX-License-Identifier: MIT */
/* Opening an ext filesystem, after a look at whether its superblock can be believed. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/descriptor.h"
#include "image/ext.h"
#include "image/source.h"

#define DESCRIPTORS_MAX                                                                  \
	((uint64_t)1 << 28) /* bytes; 16 TiB in groups of 1 KiB blocks                   \
			     */

/* What a number from the library means; its own, or an errno. */
static const char *meaning(errcode_t rc)
{
	errcode_t at = rc - et_ext2_error_table.base;

	if (at >= 0 && at < et_ext2_error_table.n_msgs)
		return et_ext2_error_table.msgs[at];
	return strerror((int)rc);
}

int ext_error(const struct ext *x, errcode_t rc, struct err *e, const char *what, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	return err_set(e, ERR_INPUT, "%s: %s: %s", x->name, text, meaning(rc));
}

/* Incompatible features by bit, from ext2_fs.h; those that are read have no name here. */
static const char *unread_feature(uint32_t bits, char number[32])
{
	static const struct {
		uint32_t bit;
		const char *name;
	} known[] = {
		{EXT2_FEATURE_INCOMPAT_COMPRESSION, "compression"},
		{EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, "journal_dev"},
		{EXT4_FEATURE_INCOMPAT_DIRDATA, "dirdata"},
	};
	const uint32_t read =
		EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_RECOVER |
		EXT2_FEATURE_INCOMPAT_META_BG | EXT3_FEATURE_INCOMPAT_EXTENTS |
		EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_MMP |
		EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_EA_INODE |
		EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR |
		EXT4_FEATURE_INCOMPAT_INLINE_DATA | EXT4_FEATURE_INCOMPAT_ENCRYPT |
		EXT4_FEATURE_INCOMPAT_CASEFOLD;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bits & known[i].bit)
			return known[i].name;
	if (!(bits & ~read))
		return NULL;
	snprintf(number, 32, "incompat 0x%x", bits & ~read);
	return number;
}

static int check_state(
	const struct ext *x, const struct ext2_super_block *s, struct err *e)
{
	uint32_t bits = le32toh(s->s_feature_incompat);
	unsigned int state = le16toh(s->s_state);
	char number[32];
	const char *feature = unread_feature(bits, number);

	if (feature)
		return err_set(e, ERR_INPUT,
			"%s: the filesystem has the feature %s, which is not supported",
			x->name, feature);
	if (le32toh(s->s_creator_os) == EXT2_OS_HURD)
		return err_set(e, ERR_INPUT,
			"%s: the filesystem was made for the Hurd, whose inodes differ",
			x->name);
	if (bits & EXT3_FEATURE_INCOMPAT_RECOVER)
		return err_set(e, ERR_INPUT,
			"%s: its journal holds changes that are not written yet; mount "
			"it once, or run e2fsck on it",
			x->name);
	if (!(state & EXT2_VALID_FS) || (state & EXT2_ERROR_FS))
		return err_set(e, ERR_INPUT,
			"%s: the filesystem is marked as %s; run e2fsck on it", x->name,
			state & EXT2_ERROR_FS ? "damaged" : "not cleanly unmounted");
	if (s->s_last_orphan ||
		(le32toh(s->s_feature_ro_compat) & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT))
		return err_set(e, ERR_INPUT,
			"%s: the filesystem has unfinished deletions; mount it once, or "
			"run e2fsck on it",
			x->name);
	return 0;
}

/* What the kernel refuses too (fs/ext4/super.c), and the library does not look at. */
static int check_fields(const struct ext *x, const struct ext2_super_block *s,
	uint64_t block, struct err *e)
{
	const char *what = NULL;

	if (le32toh(s->s_rev_level) > EXT2_GOOD_OLD_REV &&
		le32toh(s->s_first_ino) < EXT2_GOOD_OLD_FIRST_INO)
		what = "its first inode for files is a reserved one";
	else if (le16toh(s->s_reserved_gdt_blocks) > block / 4)
		what = "it reserves more blocks for descriptors than there can be";
	else if (le32toh(s->s_feature_compat) & EXT3_FEATURE_COMPAT_HAS_JOURNAL &&
		 le32toh(s->s_journal_inum) != EXT2_JOURNAL_INO)
		what = "its journal is not in the inode for it";
	return what ? err_set(e, ERR_INPUT, "%s: its superblock is damaged: %s", x->name,
			      what)
		    : 0;
}

/* Before the library allocates what the superblock asks for. */
static int check_super(struct ext *x, struct err *e)
{
	struct ext2_super_block s;
	uint64_t size, block, groups;
	unsigned int desc = EXT2_MIN_DESC_SIZE;

	if (image_size(x->fd, x->name, &size, e) < 0)
		return -1;
	if (pread(x->fd, &s, sizeof(s), SUPERBLOCK_OFFSET) != (ssize_t)sizeof(s) ||
		le16toh(s.s_magic) != EXT2_SUPER_MAGIC)
		return err_set(e, ERR_INPUT,
			"%s: it holds no ext2, ext3 or ext4 filesystem", x->name);
	if (check_state(x, &s, e) < 0)
		return -1;
	if (le32toh(s.s_log_block_size) > 6 || le32toh(s.s_blocks_per_group) < 8 ||
		le32toh(s.s_first_data_block) > 1 || le32toh(s.s_inodes_per_group) == 0)
		return err_set(e, ERR_INPUT, "%s: its superblock is damaged", x->name);
	block = (uint64_t)1024 << le32toh(s.s_log_block_size);
	if (check_fields(x, &s, block, e) < 0)
		return -1;
	x->blocks = le32toh(s.s_blocks_count);
	if (le32toh(s.s_feature_incompat) & EXT4_FEATURE_INCOMPAT_64BIT) {
		x->blocks |= (uint64_t)le32toh(s.s_blocks_count_hi) << 32;
		desc = le16toh(s.s_desc_size);
	}
	if (x->blocks > size / block)
		return err_set(e, ERR_INPUT,
			"%s: it is truncated: the filesystem has %llu blocks of %llu "
			"bytes, "
			"the file has %llu bytes",
			x->name, (unsigned long long)x->blocks, (unsigned long long)block,
			(unsigned long long)size);
	groups = x->blocks / le32toh(s.s_blocks_per_group) + 1;
	if (groups * desc > DESCRIPTORS_MAX)
		return err_set(e, ERR_INPUT,
			"%s: its superblock is damaged: it asks for %llu block groups",
			x->name, (unsigned long long)groups);
	return 0;
}

static int check_groups(struct ext *x, struct err *e)
{
	for (dgrp_t i = 0; i < x->fs->group_desc_count; i++)
		if (!ext2fs_group_desc_csum_verify(x->fs, i))
			return err_set(e, ERR_INPUT,
				"%s: the descriptor of block group %u does not match its "
				"checksum",
				x->name, i);
	return 0;
}

int ext_open(struct ext *x, const char *name, int fd, int flags, struct err *e)
{
	char path[DESCRIPTOR_PATH];
	errcode_t rc;

	x->name = name;
	x->fd = fd;
	if (check_super(x, e) < 0)
		return -1;
	/*
	 * The descriptor's own path, so that it is the same file. MMP would wait for
	 * seconds, for others that might have mounted a file that nobody has.
	 */
	rc = ext2fs_open(descriptor_path(fd, path),
		flags | EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP, 0, 0, unix_io_manager,
		&x->fs);
	if (rc)
		return ext_error(x, rc, e, "cannot open the filesystem");
	if (ext2fs_blocks_count(x->fs->super) != x->blocks)
		return err_set(e, ERR_INPUT, "%s: it changes while it is read", name);
	x->inode_bytes = EXT2_INODE_SIZE(x->fs->super);
	if (x->inode_bytes < sizeof(*x->inode))
		x->inode_bytes = sizeof(*x->inode);
	x->inode = calloc(1, x->inode_bytes);
	if (!x->inode)
		return err_sys(e, name, "cannot read");
	if (check_groups(x, e) < 0)
		return -1;
	rc = ext2fs_check_desc(x->fs);
	return rc ? ext_error(x, rc, e, "its block groups") : 0;
}

void ext_close(struct ext *x)
{
	/* Without writing: who wrote has closed it. */
	if (x->fs)
		ext2fs_free(x->fs);
	free(x->inode);
	free(x->places);
	x->fs = NULL;
	x->inode = NULL;
	x->places = NULL;
}

int ext_inode(struct ext *x, uint32_t ino, struct err *e)
{
	errcode_t rc;

	memset(x->inode, 0, x->inode_bytes);
	rc = ext2fs_read_inode_full(
		x->fs, ino, (struct ext2_inode *)x->inode, EXT2_INODE_SIZE(x->fs->super));
	return rc ? ext_error(x, rc, e, "inode %u", ino) : 0;
}
