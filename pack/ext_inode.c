/* SPDX-License-Identifier: MIT */
/* Inodes of an image, made what a listing says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/xattr.h"
#include "pack/ext_parts.h"

int ext_write_inode(struct finish *f, uint32_t ino, struct err *e)
{
	errcode_t rc = ext2fs_write_inode_full(f->x.fs, ino,
		(struct ext2_inode *)f->x.inode, EXT2_INODE_SIZE(f->x.fs->super));

	return rc ? ext_error(&f->x, rc, e, "inode %u", ino) : 0;
}

/* The counterpart of ext4_encode_extra_time() in fs/ext4/ext4.h */
static void set_times(struct finish *f, int64_t seconds, uint32_t ns)
{
	struct ext2_inode_large *in = f->x.inode;
	uint32_t low = (uint32_t)seconds, extra;

	in->i_atime = in->i_ctime = in->i_mtime = low;
	if (!EXT_HAS(&f->x, in, i_crtime_extra))
		return;
	extra = (uint32_t)((seconds - (int32_t)low) >> 32 & 3) | ns << 2;
	in->i_crtime = low;
	in->i_atime_extra = in->i_ctime_extra = extra;
	in->i_mtime_extra = in->i_crtime_extra = extra;
}

static int check_time(struct finish *f, const struct listing_inode *want, struct err *e)
{
	int64_t end = (int64_t)1 << 31;

	if (EXT_HAS(&f->x, f->x.inode, i_crtime_extra))
		end += (int64_t)3 << 32;
	if (want->mtime >= INT32_MIN && want->mtime < end)
		return 0;
	return err_set(e, ERR_REFUSED,
		"%s: /%s: this filesystem cannot keep its time, %lld seconds from 1970",
		f->x.name, want->first, (long long)want->mtime);
}

/* old_encode_dev() and new_encode_dev() of Linux, include/linux/kdev_t.h */
static int set_device(struct finish *f, const struct listing_inode *want, struct err *e)
{
	struct ext2_inode_large *in = f->x.inode;

	if (want->major > 0xfff || want->minor > 0xfffff)
		return err_set(e, ERR_REFUSED,
			"%s: /%s: this filesystem cannot keep the device number %u:%u",
			f->x.name, want->first, want->major, want->minor);
	if (want->major < 256 && want->minor < 256)
		in->i_block[0] = want->major << 8 | want->minor;
	else
		in->i_block[1] = (want->minor & 0xff) | want->major << 8 |
				 (want->minor & ~0xffu) << 12;
	return 0;
}

static int make_special(struct finish *f, const struct listing_inode *want, struct err *e)
{
	struct ext2_inode_large *in = f->x.inode;

	in->i_flags &= ~(uint32_t)EXT4_EXTENTS_FL;
	in->i_size = in->i_size_high = 0;
	memset(in->i_block, 0, sizeof(in->i_block));
	if (S_ISCHR(want->mode) || S_ISBLK(want->mode))
		return set_device(f, want, e);
	return 0;
}

static int set_xattr(struct finish *f, struct ext2_xattr_handle *h, const char *path,
	const char *name, const void *value, size_t len, struct err *e)
{
	errcode_t rc = ext2fs_xattr_set(h, name, value, len);

	if (rc == EXT2_ET_EA_NO_SPACE)
		return err_set(e, ERR_REFUSED,
			"%s: /%s: this filesystem has no room for its attribute %s of "
			"%zu "
			"bytes",
			f->x.name, path, name, len);
	return rc ? ext_error(&f->x, rc, e, "/%s: attribute %s", path, name) : 0;
}

static int open_xattrs(
	struct finish *f, uint32_t ino, struct ext2_xattr_handle **h, struct err *e)
{
	errcode_t rc = ext2fs_xattrs_open(f->x.fs, ino, h);

	if (rc == 0) {
		rc = ext2fs_xattrs_read(*h);
		if (rc)
			ext2fs_xattrs_close(h);
	}
	return rc ? ext_error(&f->x, rc, e, "attributes of inode %u", ino) : 0;
}

static int count_run(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	(void)logical;
	(void)physical;
	(void)unwritten;
	(void)e;
	*(uint64_t *)arg += count;
	return 0;
}

static int count_meta(void *arg, uint64_t block, struct err *e)
{
	return count_run(arg, 0, block, 1, false, e);
}

/* The inode's count of blocks, anew: what its attributes added to it is gone. */
static int set_blocks(struct finish *f, uint32_t ino, struct err *e)
{
	struct ext2_inode *in = (struct ext2_inode *)f->x.inode;
	uint64_t count = 0;
	struct ext_map m = {&count, count_run, count_meta};

	f->x.used = 0; /* the same blocks were counted when the tree was read */
	if (ext2fs_inode_has_valid_blocks2(f->x.fs, in) &&
		ext_map(&f->x, ino, f->x.inode, &m, e) < 0)
		return -1;
	ext2fs_iblk_set(f->x.fs, in, count);
	return 0;
}

static int set_fields(struct finish *f, uint32_t ino, struct err *e)
{
	const struct listing_inode *want = f->want[ino];
	struct ext2_inode_large *in = f->x.inode;

	if (EXT2_INODE_SIZE(f->x.fs->super) >= EXT2_GOOD_OLD_INODE_SIZE + EXT_EXTRA &&
		in->i_extra_isize < EXT_EXTRA)
		in->i_extra_isize = EXT_EXTRA;
	if (check_time(f, want, e) < 0)
		return -1;
	if (!S_ISREG(want->mode) && !S_ISDIR(want->mode) && !S_ISLNK(want->mode) &&
		make_special(f, want, e) < 0)
		return -1;
	in->i_mode = (uint16_t)want->mode;
	in->i_uid = (uint16_t)want->uid;
	in->i_gid = (uint16_t)want->gid;
	in->osd2.linux2.l_i_uid_high = (uint16_t)(want->uid >> 16);
	in->osd2.linux2.l_i_gid_high = (uint16_t)(want->gid >> 16);
	in->i_links_count = (uint16_t)f->links[ino];
	set_times(f, want->mtime, want->mtime_ns);
	return 0;
}

int ext_dress(struct finish *f, uint32_t ino, struct err *e)
{
	if (ext_inode(&f->x, ino, e) < 0 || ext_strip(f, ino, e) < 0 ||
		set_fields(f, ino, e) < 0 || set_blocks(f, ino, e) < 0)
		return -1;
	return ext_write_inode(f, ino, e);
}

/* Attributes that the kernel knows to be ext4's. */
static bool name_good(const char *name)
{
	static const char *const prefix[] = {"user.", "trusted.", "security."};

	if (strcmp(name, XATTR_ACL_ACCESS) == 0 || strcmp(name, XATTR_ACL_DEFAULT) == 0)
		return true;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t len = strlen(prefix[i]);

		if (strncmp(name, prefix[i], len) == 0)
			return name[len] && strlen(name + len) <= 255;
	}
	return false;
}

struct ea_inodes {
	struct finish *f;
	uint64_t blocks; /* that the values fill */
};

/* Values that went into inodes of their own got the library's time there. */
static int date_ea_inode(void *arg, const struct ext_xattr *a, struct err *e)
{
	struct ea_inodes *s = arg;
	struct ext2_inode_large *in = s->f->x.inode;
	unsigned int block = s->f->x.fs->blocksize;

	if (!a->ea_inode)
		return 0;
	if (ext_inode(&s->f->x, a->ea_inode, e) < 0)
		return -1;
	/* The other times of such an inode are no times. */
	in->i_mtime = (uint32_t)s->f->now;
	if (EXT_HAS(&s->f->x, in, i_crtime))
		in->i_crtime = (uint32_t)s->f->now;
	s->blocks += (a->len + block - 1) / block;
	return ext_write_inode(s->f, a->ea_inode, e);
}

static int finish_ea_inodes(struct finish *f, uint32_t ino, struct err *e)
{
	cleanup_free struct ext2_inode_large *copy = malloc(f->x.inode_bytes);
	struct ea_inodes s = {.f = f};

	if (!copy)
		return err_sys(e, f->x.name, "cannot finish");
	if (ext_inode(&f->x, ino, e) < 0)
		return -1;
	memcpy(copy, f->x.inode, f->x.inode_bytes);
	if (ext_xattrs(&f->x, ino, copy, date_ea_inode, &s, e) < 0)
		return -1;
	if (!s.blocks)
		return 0;
	/* With blocks counted, e2fsck takes a short link's target for block numbers. */
	if (S_ISLNK(f->want[ino]->mode) && f->want[ino]->size < sizeof(copy->i_block))
		return err_set(e, ERR_REFUSED,
			"%s: /%s: this filesystem has no room for the attributes of so "
			"short a link",
			f->x.name, f->want[ino]->first);
	/* The file's own count has them too (e2fsck says so); the library forgets. */
	memcpy(f->x.inode, copy, f->x.inode_bytes);
	ext2fs_iblk_add_blocks(f->x.fs, (struct ext2_inode *)f->x.inode, s.blocks);
	return ext_write_inode(f, ino, e);
}

int ext_set_xattrs(struct finish *f, uint32_t ino, struct err *e)
{
	const struct listing_inode *want = f->want[ino];
	struct ext2_xattr_handle *h;
	int rc = 0;

	if (want->xattr_count == 0)
		return 0;
	if (open_xattrs(f, ino, &h, e) < 0)
		return -1;
	for (size_t i = 0; i < want->xattr_count && rc == 0; i++) {
		const struct listing_xattr *a = &want->xattrs[i];

		rc = name_good(a->name)
			     ? set_xattr(f, h, want->first, a->name, a->value, a->len, e)
			     : err_set(e, ERR_REFUSED,
				       "%s: /%s: this filesystem cannot keep the "
				       "attribute %s",
				       f->x.name, want->first, a->name);
	}
	ext2fs_xattrs_close(&h);
	if (rc == 0 && ext2fs_has_feature_ea_inode(f->x.fs->super))
		rc = finish_ea_inodes(f, ino, e);
	return rc;
}

static int dress_reserved(struct finish *f, uint32_t ino, struct err *e)
{
	if (ino == EXT2_ROOT_INO || f->want[ino])
		return 0;
	if (ext_inode(&f->x, ino, e) < 0)
		return -1;
	/* mke2fs writes the list of bad blocks always; with times and nothing else. */
	if (ino != EXT2_BAD_INO && f->x.inode->i_mode == 0)
		return 0;
	set_times(f, f->now, 0);
	return ext_write_inode(f, ino, e);
}

int ext_dress_reserved(struct finish *f, struct err *e)
{
	struct ext2_super_block *s = f->x.fs->super;

	for (uint32_t ino = 1; ino < EXT2_FIRST_INODE(s); ino++)
		if (dress_reserved(f, ino, e) < 0)
			return -1;
	return ext2fs_has_feature_orphan_file(s)
		       ? dress_reserved(f, s->s_orphan_file_inum, e)
		       : 0;
}
