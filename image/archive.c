/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/xattr.h"
#include "image/archive_content.h"
#include "image/archive_meta.h"
#include "image/source.h"

/* About the archive, or about one entry of it (path, without leading '/'). */
static int bad(struct listing *l, const char *path, struct err *e, const char *what)
{
	if (!path)
		return err_set(e, ERR_INPUT, "%s: %s", l->name, what);
	return err_set(e, ERR_INPUT, "%s: /%s: %s", l->name, path, what);
}

/*
 * A name as it is below the root: "./a/", "/a" and "a" are one. The entry's own bytes, or
 * NULL where it has none; *len of them.
 */
static const char *normal(const char *name, size_t *len)
{
	if (!name || !*name)
		return NULL;
	while (*name == '/' || (name[0] == '.' && (name[1] == '/' || !name[1])))
		name++;
	*len = strlen(name);
	while (*len && name[*len - 1] == '/')
		(*len)--;
	return name;
}

static char *copy_name(struct listing *l, const char *name, struct err *e)
{
	size_t len;
	const char *start = normal(name, &len);
	char *copy;

	if (!start) {
		bad(l, NULL, e, "it holds an entry without a name");
		return NULL;
	}
	copy = strndup(start, len);
	if (!copy)
		err_sys(e, l->name, "cannot list");
	return copy;
}

/* Without the NUL at its end: RHT.security.selinux leaves that out. */
static size_t label_len(const char *value, size_t len)
{
	return len && !value[len - 1] ? len - 1 : len;
}

static bool same_xattr(const struct listing_xattr *x, const void *value, size_t len)
{
	size_t have = x->len;

	if (strcmp(x->name, XATTR_LABEL) == 0) {
		have = label_len(x->value, have);
		len = label_len(value, len);
	}
	return have == len && (len == 0 || memcmp(x->value, value, len) == 0);
}

/*
 * Headers of several kinds may give one attribute, which is then the same in all.
 * nul: of labels, only those that end in one, or only those that do not.
 */
static int add_some_xattrs(struct listing *l, struct listing_inode *in,
	struct archive_entry *entry, const char *path, bool nul, struct err *e)
{
	const char *name;
	const void *value;
	size_t len;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
		const struct listing_xattr *x = listing_xattr(in, name);

		if (strcmp(name, XATTR_LABEL) == 0 &&
			(label_len(value, len) != len) != nul)
			continue;
		if (!x && listing_add_xattr(l, in, name, len ? value : "", len, e) < 0)
			return -1;
		if (x && !same_xattr(x, value, len))
			return bad(
				l, path, e, "an attribute is given twice, and differs");
	}
	return 0;
}

static int no_name(
	void *arg, enum acl_tag tag, const char *name, uint32_t *id, struct err *e)
{
	(void)arg;
	(void)tag;
	(void)id;
	return err_set(e, ERR_INPUT, "its ACL names %s, without a number",
		*name ? name : "nobody");
}

static int add_acl(struct listing *l, struct listing_inode *in,
	struct archive_entry *entry, const char *path, int type, const char *name,
	struct err *e)
{
	cleanup_buf struct buf b = {0};

	if (listing_xattr(in, name))
		return 0;
	if (archive_acl(entry, type, &b, no_name, NULL, e) < 0)
		return err_wrap(e, "%s: /%s", l->name, path);
	return b.len ? listing_add_xattr(l, in, name, b.data, b.len, e) : 0;
}

static int add_attributes(struct listing *l, struct listing_inode *in,
	struct archive_entry *entry, const char *path, struct err *e)
{
	const struct listing_xattr *acl;

	if (add_some_xattrs(l, in, entry, path, true, e) < 0 ||
		add_some_xattrs(l, in, entry, path, false, e) < 0)
		return -1;
	if (archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_NFS4)
		return bad(l, path, e, "it has an NFSv4 ACL, which Linux does not have");
	if (add_acl(l, in, entry, path, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, XATTR_ACL_ACCESS,
		    e) < 0 ||
		add_acl(l, in, entry, path, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
			XATTR_ACL_DEFAULT, e) < 0)
		return -1;
	/* libarchive takes the owning group's entry for the mode's group, the mask. */
	acl = listing_xattr(in, XATTR_ACL_ACCESS);
	if (acl && acl_valid(acl->value, acl->len))
		in->mode = (in->mode & ~0777u) | acl_mode(acl->value, acl->len);
	return 0;
}

static int fill_owner(struct listing *l, struct listing_inode *in,
	struct archive_entry *entry, const char *path, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	struct timespec t;

	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return bad(l, path, e, "its owner is out of range");
	in->uid = (uint32_t)uid;
	in->gid = (uint32_t)gid;
	if (!archive_mtime(entry, &t))
		return bad(l, path, e, "it has no modification time");
	if (t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
		return bad(l, path, e, "its modification time is out of range");
	in->mtime = t.tv_sec;
	in->mtime_ns = (uint32_t)t.tv_nsec;
	in->whole_seconds = t.tv_nsec == 0;
	return 0;
}

static int fill(struct listing *l, struct archive_content *c, struct archive_entry *entry,
	const char *path, struct listing_inode *in, struct err *e)
{
	const char *target;

	in->mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	if (fill_owner(l, in, entry, path, e) < 0 ||
		add_attributes(l, in, entry, path, e) < 0)
		return -1;
	switch (in->mode & S_IFMT) {
	case S_IFREG:
		if (archive_entry_size(entry) < 0)
			return bad(l, path, e, "its size is out of range");
		in->size = (uint64_t)archive_entry_size(entry);
		return archive_content_later(c, entry, path, in, e);
	case S_IFLNK:
		target = archive_entry_symlink(entry);
		if (!target || !*target)
			return bad(l, path, e, "a symbolic link without a target");
		return listing_set_target(l, in, target, strlen(target), e);
	case S_IFCHR:
	case S_IFBLK:
		if (archive_device(entry, &in->major, &in->minor, e) < 0)
			return err_wrap(e, "%s: /%s", l->name, path);
		return 0;
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return bad(l, path, e, "it is of an unknown type");
	}
}

/*
 * The names of a file may each come with its content, or only the last one (cpio newc),
 * or the first one (tar).
 */
static int link_content(struct listing *l, struct archive_content *c,
	struct archive_entry *entry, const char *path, struct listing_inode *in,
	struct err *e)
{
	struct listing_inode here = {.mode = in->mode};

	if (!S_ISREG(in->mode) || !archive_entry_size_is_set(entry) ||
		archive_entry_size(entry) <= 0)
		return 0;
	here.size = (uint64_t)archive_entry_size(entry);
	if (in->size && in->size != here.size)
		return bad(l, path, e, "a file has two contents");
	if (in->size && archive_content_wait(c, e) < 0)
		return -1;
	if (archive_content_now(c, path, &here, e) < 0)
		return -1;
	if (in->size && in->digested && here.digested &&
		memcmp(in->sha256, here.sha256, sizeof(here.sha256)) != 0)
		return bad(l, path, e, "a file has two contents");
	in->size = here.size;
	in->digested = here.digested;
	in->data_blocks = here.data_blocks;
	memcpy(in->sha256, here.sha256, sizeof(in->sha256));
	return 0;
}

static int add_link(struct listing *l, struct archive_content *c,
	struct archive_entry *entry, const char *path, struct err *e)
{
	cleanup_free char *first = copy_name(l, archive_entry_hardlink(entry), e);
	const struct listing_entry *known;
	struct listing_inode *in;
	bool cpio = (archive_format(c->r->inner) & ARCHIVE_FORMAT_BASE_MASK) ==
		    ARCHIVE_FORMAT_CPIO;

	if (!first)
		return -1;
	known = listing_find(l, first);
	if (!known)
		return bad(l, path, e, "it is a link to what was not there before it");
	in = known->inode;
	/* Readers of cpio take what the last name says. */
	if (cpio && (in->mode != archive_entry_mode(entry) ||
			    in->uid != archive_entry_uid(entry) ||
			    in->gid != archive_entry_gid(entry) ||
			    in->mtime != archive_entry_mtime(entry)))
		return bad(l, path, e, "the names of one file do not agree on it");
	if (listing_link(l, path, in, e) < 0)
		return -1;
	return link_content(l, c, entry, path, in, e);
}

static int add_entry(struct listing *l, struct archive_content *c,
	struct archive_entry *entry, struct err *e)
{
	cleanup_free char *path = copy_name(l, archive_entry_pathname(entry), e);
	struct listing_inode *in;

	if (!path)
		return -1;
	if (archive_entry_hardlink(entry))
		return add_link(l, c, entry, path, e);
	if (listing_add(l, path, 0, &in, e) < 0)
		return -1;
	return fill(l, c, entry, path, in, e);
}

static int add_entries(struct listing *l, struct archive_reader *r, struct err *e)
{
	struct archive_content c;
	struct archive_entry *entry;
	int rc;

	if (archive_content_begin(&c, l, r, e) < 0)
		return -1;
	while ((rc = archive_reader_next(r, &entry, e)) == 1)
		if (add_entry(l, &c, entry, e) < 0) {
			rc = -1;
			break;
		}
	return archive_content_end(&c, rc, e);
}

int list_archive(struct listing *l, int fd, struct err *e)
{
	struct archive_reader r;
	int rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, l->name, "cannot read the archive");
	rc = archive_reader_open(&r, fd, l->name, ARCHIVE_FILTERS_OWN, true, e);
	if (rc == 0)
		rc = add_entries(l, &r, e);
	archive_reader_close(&r);
	return rc < 0 ? -1 : listing_finish(l, e);
}
