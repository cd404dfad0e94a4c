/* SPDX-License-Identifier: MIT */
/*
 * A listing of a directory as the kernel shows it. What is mounted below it is looked
 * behind: open_tree(2) gives a copy of one mount without the others, to root only. For
 * others a mount point is an error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "fs/side.h"
#include "fs/stage.h"
#include "fs/xattr.h"
#include "image/digest.h"
#include "image/digest_queue.h"
#include "image/source.h"

struct walk {
	struct listing *l;
	int root;
	bool view; /* of livery: its labels are asked past the kernel */
	struct digest_queue *digests;
	char *names, *value;
};

static void set_from_stat(struct listing_inode *in, const struct statx *st)
{
	in->mode = st->stx_mode;
	in->uid = st->stx_uid;
	in->gid = st->stx_gid;
	in->mtime = st->stx_mtime.tv_sec;
	in->mtime_ns = st->stx_mtime.tv_nsec;
	if (S_ISREG(in->mode))
		in->size = st->stx_size;
	if (S_ISBLK(in->mode) || S_ISCHR(in->mode)) {
		in->major = st->stx_rdev_major;
		in->minor = st->stx_rdev_minor;
	}
}

#define READING (O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)

/* A file whose path is too long for the kernel is opened by its name. */
static int open_in(int root, const char *path, const char *name)
{
	cleanup_free char *dir = strndup(path, (size_t)(name - path) - 1);
	cleanup_close int fd =
		dir ? stage_open_below(root, dir, O_PATH | O_DIRECTORY, 0) : -1;

	return fd < 0 ? -1 : stage_open_below(fd, name, READING, 0);
}

static int digest_content(
	int root, const struct digest_file *f, char *buffer, struct err *e)
{
	const char *slash = strrchr(f->path, '/'), *name = slash ? slash + 1 : f->path;
	cleanup_close int fd = strlen(f->path) < PATH_MAX
				       ? stage_open_below(root, f->path, READING, 0)
				       : open_in(root, f->path, name);
	struct digest d;
	ssize_t got;

	if (fd < 0)
		return err_sys(e, name, "cannot read");
	digest_start(&d);
	while ((got = read(fd, buffer, DIGEST_BUFFER)) > 0)
		digest_add(&d, buffer, (size_t)got);
	if (got < 0)
		return err_sys(e, name, "cannot read");
	if (d.size != f->in->size)
		return err_set(e, ERR_REFUSED, "it changed while it was read");
	digest_finish(&d, f->in);
	return 0;
}

static int digest_file(
	void *arg, const struct digest_file *f, char *buffer, struct err *e)
{
	const struct walk *w = arg;

	if (digest_content(w->root, f, buffer, e) < 0)
		return err_wrap(e, "%s: /%s", w->l->name, f->path);
	return 0;
}

/* The label of a view's inode, whatever the host's kernel says. */
static int add_view_label(
	struct walk *w, const char *proc, struct listing_inode *in, struct err *e)
{
	ssize_t len = lgetxattr(proc, SIDE_LABEL, w->value, XATTR_SIZE_MAX - 1);

	if (len < 0)
		return err_sys(e, NULL, "the view does not tell the label");
	if (len == 0)
		return 0;
	w->value[len] = 0;
	return listing_add_xattr(w->l, in, XATTR_LABEL, w->value, (size_t)len + 1, e);
}

static int add_xattrs(
	struct walk *w, const char *proc, struct listing_inode *in, struct err *e)
{
	ssize_t len = llistxattr(proc, w->names, XATTR_LIST_MAX);

	if (len < 0 && errno != ENOTSUP)
		return err_sys(e, NULL, "cannot list attributes");
	for (const char *p = w->names; p < w->names + len; p += strlen(p) + 1) {
		ssize_t size;

		if (w->view && strcmp(p, XATTR_LABEL) == 0)
			continue;
		size = lgetxattr(proc, p, w->value, XATTR_SIZE_MAX);
		if (size < 0)
			return err_sys(e, NULL, "cannot read attribute %s", p);
		if (listing_add_xattr(w->l, in, p, w->value, (size_t)size, e) < 0)
			return -1;
	}
	return w->view ? add_view_label(w, proc, in, e) : 0;
}

static int fill(struct walk *w, int dirfd, const char *name, const struct statx *st,
	struct listing_inode *in, struct err *e)
{
	char proc[64 + NAME_MAX], target[LISTING_TARGET_MAX + 1];

	set_from_stat(in, st);
	/* A name of "" is the directory itself. */
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dirfd, *name ? name : ".");
	if (S_ISLNK(in->mode)) {
		ssize_t len = readlinkat(dirfd, name, target, sizeof(target));

		if (len < 0)
			return err_sys(e, NULL, "cannot read the link");
		if (listing_set_target(w->l, in, target, (size_t)len, e) < 0)
			return -1;
	}
	return add_xattrs(w, proc, in, e);
}

/* Names of one file; two filesystems under one mount (btrfs, overlay) are kept apart. */
static uint64_t link_id(const struct statx *st)
{
	if (S_ISDIR(st->stx_mode) || st->stx_nlink < 2)
		return 0;
	return st->stx_ino ^ stage_dev(st) * UINT64_C(0x9e3779b97f4a7c15);
}

static int add_name(struct walk *w, int dirfd, const char *dir, const char *name,
	const struct statx *st, struct err *e)
{
	cleanup_free char *path = NULL;
	struct digest_file f = {0};
	int rc;

	if (asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", name) < 0) {
		path = NULL;
		return err_set(e, ERR_SYS, "out of memory");
	}
	rc = listing_add(w->l, path, link_id(st), &f.in, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (fill(w, dirfd, name, st, f.in, e) < 0)
		return err_wrap(e, "%s: /%s", w->l->name, path);
	if (!listing_wants_content(w->l, path, f.in))
		return 0;
	f.path = w->l->entries[w->l->count - 1].path;
	return digest_queue_add(w->digests, &f);
}

static int list_names(struct walk *w, const char *dir, struct err *e)
{
	cleanup_close int fd =
		stage_open_below(w->root, *dir ? dir : ".", O_RDONLY | O_DIRECTORY, 0);
	struct stage_list names;
	int rc = 0;

	if (fd < 0)
		return err_sys(e, w->l->name, "cannot read the directory /%s", dir);
	if (stage_list(fd, *dir ? dir : w->l->name, &names, e) < 0) {
		if (e->sys != EXDEV)
			return -1;
		err_set(e, ERR_REFUSED, "%s: something is mounted below /%s", w->l->name,
			dir);
		return err_hint(e, "only root can look behind it");
	}
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = add_name(w, fd, dir, names.entries[i].name, &names.entries[i].st, e);
	stage_list_free(&names);
	return rc;
}

/* Directories are read in the order in which they came into the listing. */
static int list_all(struct walk *w, struct err *e)
{
	struct statx st;

	if (statx(w->root, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return err_sys(e, w->l->name, "cannot examine");
	if (add_name(w, w->root, "", "", &st, e) < 0)
		return -1;
	for (size_t i = 0; i < w->l->count; i++)
		if (S_ISDIR(w->l->entries[i].inode->mode) &&
			list_names(w, w->l->entries[i].path, e) < 0)
			return -1;
	return 0;
}

static int open_root(const char *path, struct err *e)
{
	int fd = (int)syscall(
		SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	cleanup_close int tree = fd;

	if (fd < 0 && errno != EPERM && errno != ENOSYS)
		return err_sys(e, path, "cannot open");
	/* A descriptor to read from; the copy of the mount lives as long as it does. */
	fd = tree < 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		      : openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, path, "cannot open the directory");
	return fd;
}

/* Only the root of a view answers for it, and only to its owner and root. */
static bool is_view(int root)
{
	char proc[DESCRIPTOR_PATH], answer[XATTR_SIZE_MAX];
	struct statfs sf;

	descriptor_path(root, proc);
	return fstatfs(root, &sf) == 0 && sf.f_type == FUSE_SUPER_MAGIC &&
	       getxattr(proc, SIDE_VIEW, answer, sizeof(answer)) > 0;
}

int list_directory(struct listing *l, const char *path, struct err *e)
{
	cleanup_close int root = open_root(path, e);
	cleanup_free char *names = malloc(XATTR_LIST_MAX);
	cleanup_free char *value = malloc(XATTR_SIZE_MAX);
	struct walk w = {.l = l, .root = root, .names = names, .value = value};
	int rc;

	if (root < 0)
		return -1;
	if (!names || !value)
		return err_set(e, ERR_SYS, "out of memory");
	w.view = is_view(root);
	if (digest_queue_begin(&w.digests, l->threads, digest_file, &w, e) < 0)
		return -1;
	rc = list_all(&w, e);
	return digest_queue_end(w.digests, rc, e) < 0 ? -1 : listing_finish(l, e);
}
