/* SPDX-License-Identifier: MIT */
/* The two forms of an inode: 32 and 64 bytes (struct erofs_inode_compact, _extended). */
#include <sys/stat.h>

#include "image/erofs.h"

#define SLOT          32 /* a nid counts these */
#define COMPACT_SIZE  32
#define EXTENDED_SIZE 64

static int check_kind(const struct erofs *fs, const struct erofs_inode *in, struct err *e)
{
	switch (in->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return erofs_bad(fs, e, "it is of a type that does not exist");
	}
	if (in->size > INT64_MAX)
		return erofs_bad(fs, e, "it claims an impossible size");
	if (in->mtime_ns >= 1000000000)
		return erofs_bad(fs, e, "it has an impossible time");
	return 0;
}

/* Data that is not compressed must be within the filesystem, read or not. */
static int check_blocks(
	const struct erofs *fs, const struct erofs_inode *in, struct err *e)
{
	uint64_t whole = in->size;

	if (!S_ISREG(in->mode) && !S_ISDIR(in->mode) && !S_ISLNK(in->mode))
		return 0;
	if (in->layout == EROFS_INLINE && in->size) {
		uint64_t rest = (in->size - 1) % fs->block + 1;

		/* The kernel refuses an inline tail that is in two blocks. */
		if (in->tail % fs->block + rest > fs->block || in->tail > fs->end ||
			rest > fs->end - in->tail)
			return erofs_bad(fs, e, "its last bytes are in two blocks");
		whole = in->size - rest;
	} else if (in->layout != EROFS_PLAIN) {
		return 0;
	}
	if (whole &&
		(whole > fs->end || (uint64_t)in->where << fs->bits > fs->end - whole))
		return erofs_bad(fs, e,
			"its content lies behind the end of the filesystem: the image is "
			"damaged");
	return 0;
}

static void parse(const struct erofs *fs, struct erofs_inode *in, const unsigned char *p,
	bool extended)
{
	in->mode = erofs_le16(p + 4);
	in->where = erofs_le32(p + 16);
	if (extended) {
		in->size = erofs_le64(p + 8);
		in->uid = erofs_le32(p + 24);
		in->gid = erofs_le32(p + 28);
		in->mtime = (int64_t)erofs_le64(p + 32);
		in->mtime_ns = erofs_le32(p + 40);
		in->links = erofs_le32(p + 44);
	} else {
		in->size = erofs_le32(p + 8);
		in->uid = erofs_le16(p + 24);
		in->gid = erofs_le16(p + 26);
		/* Seconds after it, where there is room for an inode's own (Linux 6.13).
		 */
		in->mtime = fs->epoch + erofs_le32(p + 12);
		in->links = erofs_le16(p + 6);
		in->mtime_ns = fs->nsec;
	}
}

int erofs_load_inode(
	struct erofs *fs, uint64_t nid, struct erofs_inode *in, struct err *e)
{
	unsigned char p[EXTENDED_SIZE];
	uint64_t at = fs->meta + nid * SLOT;
	size_t size = COMPACT_SIZE;
	uint32_t format, count;

	if (nid > fs->end / SLOT)
		return erofs_bad(fs, e,
			"its inode lies behind the end of the filesystem: the image is "
			"damaged");
	if (erofs_read_meta(fs, at, p, size, e) < 0)
		return -1;
	format = erofs_le16(p);
	count = erofs_le16(p + 2);
	/* One bit of version, three of layout; what others mean is not known. */
	if (format & ~15u || format >> 1 > EROFS_CHUNKS)
		return erofs_bad(fs, e, "its inode has an unknown form: 0x%x", format);
	if (format & 1) {
		size = EXTENDED_SIZE;
		if (erofs_read_meta(fs, at, p, size, e) < 0)
			return -1;
	}
	*in = (struct erofs_inode){
		.nid = nid, .layout = (enum erofs_layout)(format >> 1)};
	parse(fs, in, p, format & 1);
	in->xattrs = at + size;
	/* struct erofs_xattr_ibody_header is 12 bytes, and count starts at 1 with it. */
	in->xattrs_size = count ? 12 + (count - 1) * 4 : 0;
	in->tail = in->xattrs + in->xattrs_size;
	if (check_kind(fs, in, e) < 0)
		return -1;
	return check_blocks(fs, in, e);
}
