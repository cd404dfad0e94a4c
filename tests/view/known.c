// SPDX-License-Identifier: MIT
/*
 * The differences between an ordinary user in a view and root in a native directory that
 * are known; docs/writing.md lists them under the same names. Each is as narrow as can
 * be: what is not here fails.
 */
#include "tests/view/differ.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

/* Native filesystems end at 16 TiB or so. */
#define FAR (1ll << 43)

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool refused(const struct difference *d, enum kind kind)
{
	return d->field == FIELD_ERROR && d->op->kind == kind && !d->op->side &&
	       d->view->err == EPERM;
}

static bool is_device_node(const struct difference *d)
{
	return refused(d, OP_MKNOD) && (S_ISCHR(d->op->mode) || S_ISBLK(d->op->mode));
}

static bool is_guarded_attribute(const struct difference *d)
{
	return (refused(d, OP_SETXATTR) || refused(d, OP_REMOVEXATTR)) &&
	       (starts(d->op->name, "security.") || starts(d->op->name, "trusted."));
}

static const struct brief *subject(const struct difference *d)
{
	return &d->native->after[d->op->slot >= 0 ? ABOUT_SLOT : ABOUT_PATH];
}

static bool is_acl(const struct difference *d)
{
	return (refused(d, OP_SETXATTR) || refused(d, OP_REMOVEXATTR)) &&
	       starts(d->op->name, "system.posix_acl_") && subject(d)->uid != d->user;
}

static bool is_trusted_read(const struct difference *d)
{
	return d->field == FIELD_ERROR && d->op->kind == OP_GETXATTR && !d->op->side &&
	       starts(d->op->name, "trusted.") && d->view->err == ENODATA;
}

/* One name, trusted.t, is all that root sees more. */
static bool is_trusted_name(const struct difference *d)
{
	static const char line[] = "trusted.t\n";
	const struct result *v = d->view, *n = d->native;
	const char *p;

	if (d->op->kind != OP_LISTXATTR)
		return false;
	if (d->field == FIELD_ERROR)
		return n->err == ERANGE && v->ret == 0;
	if (d->field == FIELD_RETURN)
		return v->ret >= 0 && n->ret - v->ret == (long long)sizeof(line) - 1;
	if (d->field != FIELD_TEXT || n->len != v->len + sizeof(line) - 1)
		return false;
	p = memmem(n->text, n->len, line, sizeof(line) - 1);
	return p && !memcmp(n->text, v->text, (size_t)(p - n->text)) &&
	       !memcmp(p + sizeof(line) - 1, v->text + (p - n->text),
		       v->len - (size_t)(p - n->text));
}

/*
 * What fs.protected_hardlinks keeps users from. Root's link is one to the very file, so
 * look at that.
 */
static bool may_not_link(const struct difference *d, const struct brief *b)
{
	return !b->err && b->uid != d->user &&
	       (!S_ISREG(b->mode) || (b->mode & S_ISUID) ||
		       (b->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP));
}

static bool is_hard_link(const struct difference *d)
{
	const struct brief *after = d->native->after;

	return !d->native->err &&
	       ((refused(d, OP_LINK) && may_not_link(d, &after[ABOUT_PATH2])) ||
		       (refused(d, OP_LINK_SLOT) && may_not_link(d, &after[ABOUT_SLOT])));
}

/* That comes before the file is found to have no name any more. */
static bool is_link_of_unlinked(const struct difference *d)
{
	const struct brief *b = &d->native->after[ABOUT_SLOT];

	return refused(d, OP_LINK_SLOT) && d->native->err == ENOENT && b->nlink == 0 &&
	       may_not_link(d, b);
}

static bool is_noatime(const struct difference *d)
{
	return refused(d, OP_OPEN) && (d->op->flags & O_NOATIME) &&
	       (!d->native->err || d->native->err == ENXIO);
}

static bool is_range_shift(const struct difference *d)
{
	return d->field == FIELD_ERROR && d->op->kind == OP_FALLOCATE &&
	       (d->op->flags & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) &&
	       d->view->err == EOPNOTSUPP;
}

/* That no data was called a hole is a matter of the text, which stays unforgiven. */
static bool is_hole(const struct difference *d)
{
	return (d->field == FIELD_RETURN || d->field == FIELD_ERROR) &&
	       d->op->kind == OP_SEEK &&
	       (d->op->flags == SEEK_DATA || d->op->flags == SEEK_HOLE) &&
	       !d->view->len && !d->native->len &&
	       (!d->view->err || d->view->err == ENXIO) &&
	       (!d->native->err || d->native->err == ENXIO);
}

/* FUSE lets files be larger than the native filesystem does; nothing is written there. */
static bool is_far_offset(const struct difference *d)
{
	const struct op *op = d->op;

	if (d->field != FIELD_ERROR || d->view->err)
		return false;
	if (op->kind == OP_SEEK)
		return d->native->err == EINVAL && d->view->ret >= FAR;
	return op->kind == OP_COPY && d->native->err == EFBIG && !d->view->ret &&
	       (op->off >= FAR || op->off2 >= FAR);
}

static bool is_setgid_made(const struct difference *d)
{
	const struct brief *v = &d->view->after[ABOUT_PATH];
	const struct brief *n = &d->native->after[ABOUT_PATH];

	return d->field == FIELD_MODE && d->about == ABOUT_PATH &&
	       (d->op->kind == OP_OPEN || d->op->kind == OP_MKNOD) &&
	       (v->mode | S_ISGID) == n->mode && (d->op->mode & S_ISGID) &&
	       (d->op->mode & S_IXGRP) && (d->native->after[ABOUT_PARENT].mode & S_ISGID);
}

static bool is_setgid_unnamed(const struct difference *d)
{
	return d->field == FIELD_MODE && d->about == ABOUT_SLOT &&
	       d->op->kind == OP_OPEN && (d->op->flags & O_TMPFILE) == O_TMPFILE &&
	       (d->view->after[ABOUT_SLOT].mode | S_ISGID) ==
		       d->native->after[ABOUT_SLOT].mode &&
	       (d->op->mode & S_ISGID) && (d->op->mode & S_IXGRP);
}

/* An attribute that is set to what it is, or an ACL to what the mode says. */
static bool is_same_attribute(const struct difference *d)
{
	const struct timespec *was = &d->native->before[d->about].ctime;
	const struct timespec *is = &d->native->after[d->about].ctime;

	return d->field == FIELD_CTIME_MOVES &&
	       (d->op->kind == OP_SETXATTR || d->op->kind == OP_REMOVEXATTR) &&
	       was->tv_sec == is->tv_sec && was->tv_nsec == is->tv_nsec;
}

static bool is_chown_of_nothing(const struct difference *d)
{
	const struct op *op = d->op;
	mode_t v = d->view->after[d->about].mode, n = d->native->after[d->about].mode;

	return d->field == FIELD_MODE &&
	       (op->kind == OP_CHOWN || op->kind == OP_FCHOWN) && op->uid == (uid_t)-1 &&
	       op->gid == (gid_t)-1 && !S_ISDIR(v) &&
	       (d->about == ABOUT_PATH || d->about == ABOUT_SLOT) && (v & n) == n &&
	       !((v ^ n) & ~(mode_t)(S_ISUID | S_ISGID));
}

/* What the kernel asks for before the write itself, in vain, is a change to the daemon.
 */
static bool is_failed_write(const struct difference *d)
{
	return d->field == FIELD_CTIME_MOVES && d->native->err == EFBIG &&
	       (d->op->kind == OP_WRITE || d->op->kind == OP_PWRITE ||
		       d->op->kind == OP_TRUNCATE || d->op->kind == OP_FTRUNCATE ||
		       d->op->kind == OP_FALLOCATE || d->op->kind == OP_COPY);
}

static bool is_directory_size(const struct difference *d)
{
	return d->field == FIELD_SIZE && S_ISDIR(d->view->after[d->about].mode);
}

struct known known[] = {
	{"device-node", "the kernel lets only root make one: livery mknod",
		is_device_node, REMEDY_SIDE, true, 0},
	{"guarded-attribute",
		"the kernel lets only root set security.* and trusted.*: livery setfattr",
		is_guarded_attribute, REMEDY_SIDE, true, 0},
	{"acl-of-others", "the kernel lets only the owner set an ACL: livery setfattr",
		is_acl, REMEDY_SIDE, true, 0},
	{"trusted-attribute", "the kernel shows trusted.* only to root", is_trusted_read,
		REMEDY_SIDE, true, 0},
	{"trusted-name", "the kernel shows trusted.* only to root", is_trusted_name,
		REMEDY_NONE, true, 0},
	{"hard-link", "fs.protected_hardlinks: only the owner may link such a file",
		is_hard_link, REMEDY_UNLINK, true, 0},
	{"hard-link-unlinked", "as hard-link, where root gets ENOENT",
		is_link_of_unlinked, REMEDY_NONE, true, 0},
	{"noatime", "the kernel lets only the owner ask for O_NOATIME", is_noatime,
		REMEDY_CLOSE, true, 0},
	{"range-shift", "FUSE has no FALLOC_FL_COLLAPSE_RANGE and FALLOC_FL_INSERT_RANGE",
		is_range_shift, REMEDY_TRUNCATE, false, 0},
	{"holes", "which zeros are a hole depends on what was written back", is_hole,
		REMEDY_REWIND, false, 0},
	{"far-offset", "FUSE allows larger offsets than the native filesystem",
		is_far_offset, REMEDY_REWIND, false, 0},
	{"setgid-made",
		"the kernel takes the bit from who is not in the directory's group: "
		"chmod",
		is_setgid_made, REMEDY_MODE, true, 0},
	{"tmpfile-bit", "the kernel takes the bit of a file without a name: fchmod",
		is_setgid_unnamed, REMEDY_MODE, false, 0},
	{"same-attribute", "setting an attribute to what it is may move the change time",
		is_same_attribute, REMEDY_NONE, false, 0},
	{"chown-of-nothing",
		"FUSE does not tell chown(-1, -1), which clears setuid, from a write, "
		"which must not",
		is_chown_of_nothing, REMEDY_MODE, false, 0},
	{"failed-write", "a write that fails (EFBIG) may move the change time",
		is_failed_write, REMEDY_NONE, false, 0},
	{"directory-size", "a directory's size is the filesystem's own affair",
		is_directory_size, REMEDY_NONE, false, 0},
};
const size_t known_count = sizeof(known) / sizeof(known[0]);
