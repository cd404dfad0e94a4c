/* SPDX-License-Identifier: MIT */
#include "pack/format.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/xattr.h"

static const struct format formats[] = {
	{"ext4", FORMAT_EXT, "mke2fs", "e2fsprogs"},
	{"ext3", FORMAT_EXT, "mke2fs", "e2fsprogs"},
	{"ext2", FORMAT_EXT, "mke2fs", "e2fsprogs"},
	{"squashfs", FORMAT_SQUASHFS, "mksquashfs", "squashfs-tools"},
	{"erofs", FORMAT_EROFS, "mkfs.erofs", "erofs-utils"},
	{"tar", FORMAT_ARCHIVE, NULL, NULL},
	{"cpio", FORMAT_ARCHIVE, NULL, NULL},
};

const struct format *format_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	err_set(e, ERR_USAGE, "%s: there is no such type of image; there are %s", name,
		FORMAT_NAMES);
	return NULL;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The namespaces that squashfs, erofs and ext have numbers for, and Linux reads back. */
static int check_xattr(const struct format *f, const char *path,
	const struct listing_xattr *x, struct err *e)
{
	if (f->family == FORMAT_ARCHIVE)
		return 0;
	if (xattr_is_acl(x->name)) {
		if (f->family != FORMAT_SQUASHFS)
			return 0;
		err_set(e, ERR_REFUSED, "/%s: squashfs keeps no POSIX ACLs (%s)", path,
			x->name);
		return err_hint(e, "--drop=acls leaves them out");
	}
	if (starts(x->name, "user.") || starts(x->name, "trusted.") ||
		starts(x->name, "security."))
		return 0;
	err_set(e, ERR_REFUSED, "/%s: %s does not keep the attribute %s", path, f->name,
		x->name);
	return err_hint(e, "--drop=xattrs leaves all of them out");
}

/*
 * squashfs: unsigned 32 bits; erofs: unsigned 64. ext checks its own, which hang on the
 * inode's size.
 */
static int check_time(const struct format *f, const char *path,
	const struct listing_inode *in, struct err *e)
{
	int64_t last = f->family == FORMAT_SQUASHFS ? UINT32_MAX : INT64_MAX;

	if ((f->family != FORMAT_SQUASHFS && f->family != FORMAT_EROFS) ||
		(in->mtime >= 0 && in->mtime <= last))
		return 0;
	err_set(e, ERR_REFUSED,
		"/%s: %s keeps times from 1970%s, and this one is %" PRId64
		" seconds from 1970",
		path, f->name, f->family == FORMAT_SQUASHFS ? " to 2106" : " on",
		in->mtime);
	return err_hint(e, "set the file's time (touch), or SOURCE_DATE_EPOCH, which "
			   "caps all times");
}

int format_check(const struct format *f, const struct listing *l, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *at = &l->entries[i];

		if (at->inode->first != at->path)
			continue;
		if (check_time(f, at->path, at->inode, e) < 0)
			return -1;
		if (f->family == FORMAT_EXT && strcmp(at->path, "lost+found") == 0 &&
			!S_ISDIR(at->inode->mode))
			return err_set(e, ERR_REFUSED,
				"/lost+found: in ext it can only be a directory");
		for (size_t k = 0; k < at->inode->xattr_count; k++)
			if (check_xattr(f, at->path, &at->inode->xattrs[k], e) < 0)
				return -1;
	}
	return 0;
}

const char *format_unshown(const struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < l->entries[i].inode->xattr_count; k++)
			if (starts(l->entries[i].inode->xattrs[k].name, "trusted."))
				return l->entries[i].path;
	return NULL;
}
