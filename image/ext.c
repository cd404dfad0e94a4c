/* SPDX-License-Identifier: MIT */
/* The tree in an ext2, ext3 or ext4 filesystem, as a listing. */
#include "image/ext.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/source.h"

struct tree {
	struct ext *x;
	struct listing *l;
	size_t at; /* the directory that is read: its place among the entries */
	struct buf path;
	size_t prefix; /* bytes of path that are the directory's */
	struct ext2_inode_large *dir;
};

unsigned int ext_file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

static int damaged(const struct tree *t, struct err *e, uint32_t ino, const char *what)
{
	return err_set(e, ERR_INPUT, "%s: /%s (inode %u): %s", t->x->name,
		t->path.data ? t->path.data : "", ino, what);
}

/* old_decode_dev() and new_decode_dev() of Linux, include/linux/kdev_t.h */
static void set_device(struct listing_inode *to, const struct ext2_inode_large *in)
{
	uint32_t dev = in->i_block[0];

	if (dev) {
		to->major = dev >> 8 & 0xff;
		to->minor = dev & 0xff;
	} else {
		dev = in->i_block[1];
		to->major = dev >> 8 & 0xfff;
		to->minor = (dev & 0xff) | (dev >> 12 & 0xfff00);
	}
}

static int set_times(
	struct tree *t, struct listing_inode *to, uint32_t ino, struct err *e)
{
	const struct ext2_inode_large *in = t->x->inode;

	to->mtime = (int32_t)in->i_mtime;
	to->whole_seconds = !EXT_HAS(t->x, in, i_mtime_extra);
	if (to->whole_seconds)
		return 0;
	/* ext4_decode_extra_time() in fs/ext4/ext4.h: two bits of seconds, then ns */
	to->mtime += (int64_t)(in->i_mtime_extra & 3) << 32;
	to->mtime_ns = in->i_mtime_extra >> 2;
	if (to->mtime_ns >= 1000000000)
		return damaged(t, e, ino, "its time has too many nanoseconds");
	return 0;
}

static int append(void *arg, const void *bytes, uint64_t len, struct err *e)
{
	(void)e;
	/* A hole would be NULs, which no target has. */
	return bytes && buf_add(arg, bytes, (size_t)len) == 0 ? 0 : -2;
}

static int set_target(
	struct tree *t, struct listing_inode *to, uint32_t ino, struct err *e)
{
	const struct ext2_inode_large *in = t->x->inode;
	uint64_t size = ext_size(t->x, in);
	cleanup_buf struct buf b = {0};
	bool fast = !(in->i_flags & (EXT4_INLINE_DATA_FL | EXT4_EXTENTS_FL)) &&
		    size < sizeof(in->i_block);
	int rc = 0;

	if (in->i_flags & EXT4_ENCRYPT_FL)
		return damaged(t, e, ino, "its target is encrypted");
	if (size == 0 || size > LISTING_TARGET_MAX)
		return damaged(t, e, ino, "its target has an impossible length");
	/* The kernel goes by the blocks (ext4_inode_is_fast_symlink()). */
	if (fast && !ext2fs_has_feature_ea_inode(t->x->fs->super) &&
		ext2fs_inode_data_blocks2(t->x->fs, (struct ext2_inode *)t->x->inode) !=
			0)
		return damaged(t, e, ino, "it has blocks that it does not use");
	if (fast)
		rc = buf_add(&b, in->i_block, (size_t)size) < 0 ? -2 : 0;
	else
		rc = ext_content(t->x, ino, in, append, &b, e);
	if (rc == -2 || (rc == 0 && memchr(b.data, 0, b.len)))
		return damaged(t, e, ino, "its target cannot be read");
	return rc < 0 ? -1 : listing_set_target(t->l, to, b.data, b.len, e);
}

static int set_content(
	struct tree *t, struct listing_inode *to, uint32_t ino, struct err *e)
{
	/* Block numbers within a file have 32 bits. */
	to->size = ext_size(t->x, t->x->inode);
	if (to->size > (uint64_t)UINT32_MAX * t->x->fs->blocksize)
		return damaged(t, e, ino, "it has an impossible size");
	if (t->x->inode->i_flags & EXT4_ENCRYPT_FL)
		return damaged(t, e, ino, "it is encrypted");
	if (t->x->names_only || !listing_wants_content(t->l, t->path.data, to))
		return 0;
	return ext_digest_add(
		t->x, ino, t->x->inode, to, t->l->entries[t->l->count - 1].path, e);
}

static int set_inode(
	struct tree *t, struct listing_inode *to, uint32_t ino, struct err *e)
{
	const struct ext2_inode_large *in = t->x->inode;

	to->mode = in->i_mode;
	to->links = in->i_links_count;
	to->uid = in->i_uid | (uint32_t)in->osd2.linux2.l_i_uid_high << 16;
	to->gid = in->i_gid | (uint32_t)in->osd2.linux2.l_i_gid_high << 16;
	if (set_times(t, to, ino, e) < 0)
		return -1;
	if (S_ISCHR(in->i_mode) || S_ISBLK(in->i_mode))
		set_device(to, in);
	if (S_ISLNK(in->i_mode) && set_target(t, to, ino, e) < 0)
		return -1;
	if (S_ISREG(in->i_mode) && set_content(t, to, ino, e) < 0)
		return -1;
	return t->x->names_only ? 0 : ext_list_xattrs(t->x, t->l, to, ino, in, e);
}

static int check_inode(struct tree *t, uint32_t ino, unsigned int type, struct err *e)
{
	const struct ext2_inode_large *in = t->x->inode;
	unsigned int kind = ext_file_type(in->i_mode);

	if (in->i_links_count == 0)
		return damaged(t, e, ino, "it is deleted");
	if (kind == EXT2_FT_UNKNOWN || (type != EXT2_FT_UNKNOWN && type != kind))
		return damaged(t, e, ino,
			"its directory and its inode give it different "
			"types");
	if (in->i_flags & EXT4_EA_INODE_FL)
		return damaged(t, e, ino, "it is an attribute's value, not a file");
	return 0;
}

static int remember(struct tree *t, uint32_t dir, uint32_t ino, struct err *e)
{
	struct ext *x = t->x;

	if (t->l->count > x->room) {
		size_t room = x->room ? x->room * 2 : 256;
		struct ext_place *p = reallocarray(x->places, room, sizeof(*p));

		if (!p)
			return err_sys(e, x->name, "cannot list");
		x->places = p;
		x->room = room;
	}
	x->places[t->l->count - 1] = (struct ext_place){dir, ino};
	return 0;
}

/* A name whose path is in t->path. */
static int add(
	struct tree *t, uint32_t dir, uint32_t ino, unsigned int type, struct err *e)
{
	struct listing_inode *to;
	int rc;

	if (ino != EXT2_ROOT_INO && ino < EXT2_FIRST_INODE(t->x->fs->super))
		return damaged(t, e, ino, "this inode is the filesystem's own");
	if (ext_inode(t->x, ino, e) < 0 || check_inode(t, ino, type, e) < 0)
		return -1;
	rc = listing_add(t->l, t->path.data, ino, &to, e);
	if (rc < 0 || remember(t, dir, ino, e) < 0)
		return -1;
	if (rc == 1)
		return S_ISDIR(to->mode)
			       ? damaged(t, e, ino, "this directory has another name too")
			       : 0;
	return set_inode(t, to, ino, e);
}

static int add_name(
	void *arg, const char *name, uint32_t ino, unsigned int type, struct err *e)
{
	struct tree *t = arg;

	t->path.len = t->prefix;
	if (buf_adds(&t->path, name) < 0)
		return err_sys(e, t->x->name, "cannot list");
	return add(t, t->x->places[t->at].ino, ino, type, e);
}

static int read_directory(struct tree *t, struct err *e)
{
	struct ext_place place = t->x->places[t->at];

	t->path.len = 0;
	if (buf_adds(&t->path, t->l->entries[t->at].path) < 0 ||
		(t->path.len && buf_addc(&t->path, '/') < 0))
		return err_sys(e, t->x->name, "cannot list");
	t->prefix = t->path.len;
	if (ext_inode(t->x, place.ino, e) < 0)
		return -1;
	/* A copy: x->inode holds each name's inode in turn. */
	memcpy(t->dir, t->x->inode, t->x->inode_bytes);
	return ext_directory(t->x, place.ino, place.dir, t->dir, add_name, t, e);
}

/* Level by level: the entries are the queue, and nothing recurses. */
static int walk(struct tree *t, struct err *e)
{
	t->dir = malloc(t->x->inode_bytes);
	if (!t->dir || buf_adds(&t->path, "") < 0)
		return err_sys(e, t->x->name, "cannot list");
	if (add(t, EXT2_ROOT_INO, EXT2_ROOT_INO, EXT2_FT_UNKNOWN, e) < 0)
		return -1;
	for (t->at = 0; t->at < t->l->count; t->at++)
		if (S_ISDIR(t->l->entries[t->at].inode->mode) && read_directory(t, e) < 0)
			return -1;
	return 0;
}

int ext_tree(struct ext *x, struct listing *l, struct err *e)
{
	struct tree t = {.x = x, .l = l};
	int rc = ext_digest_begin(x, l, e);

	if (rc == 0)
		rc = ext_digest_end(x, walk(&t, e), e);
	free(t.dir);
	buf_free(&t.path);
	return rc;
}

int list_ext(struct listing *l, int fd, struct err *e)
{
	cleanup_ext struct ext x = {0};

	if (ext_open(&x, l->name, fd, 0, e) < 0 || ext_tree(&x, l, e) < 0)
		return -1;
	return listing_finish(l, e);
}
