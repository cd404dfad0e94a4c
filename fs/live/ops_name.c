/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/live/ops.h"

void live_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct live_entry found;
	int rc = -ENAMETOOLONG;

	if (strlen(name) <= DB_NAME_MAX)
		rc = live_lookup(ops_live(req), ops_node(req, parent), name, &found);
	/* What is not there may come beside the view: nobody is to remember it. */
	ops_reply_entry(req, rc, &found);
}

static void make(
	fuse_req_t req, fuse_ino_t parent, const char *name, const struct live_new *what)
{
	struct live_entry made;
	int rc = live_make(ops_live(req), ops_node(req, parent), name, what, &made);

	ops_reply_entry(req, rc, &made);
}

void live_op_mknod(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct live_new what = {
		.mode = mode, .umask = fuse_req_ctx(req)->umask, .rdev = rdev};

	make(req, parent, name, &what);
}

void live_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct live_new what = {
		.mode = S_IFDIR | (mode & 07777), .umask = fuse_req_ctx(req)->umask};

	make(req, parent, name, &what);
}

void live_op_symlink(
	fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct live_new what = {.mode = S_IFLNK | 0777, .target = target};

	make(req, parent, name, &what);
}

void live_op_link(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct live_entry made;
	int rc = live_link(ops_live(req), ops_node(req, ino), ops_node(req, new_parent),
		new_name, &made);

	ops_reply_entry(req, rc, &made);
}

void live_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	ops_reply(req, live_remove(ops_live(req), ops_node(req, parent), name, false));
}

void live_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	ops_reply(req, live_remove(ops_live(req), ops_node(req, parent), name, true));
}

void live_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	ops_reply(req, live_rename(ops_live(req), ops_node(req, parent), name,
			       ops_node(req, new_parent), new_name, flags));
}

static struct live_dir *open_dir(const struct fuse_file_info *fi)
{
	return (struct live_dir *)(uintptr_t)fi->fh;
}

void live_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct live_dir *d = live_opendir(ops_live(req), ops_node(req, ino));

	if (!d) {
		ops_reply(req, -ENOMEM);
		return;
	}
	fi->fh = (uintptr_t)d;
	/* Nobody will release it: the caller was interrupted. */
	if (fuse_reply_open(req, fi) == -ENOENT)
		live_closedir(d);
}

void live_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	live_closedir(open_dir(fi));
	ops_reply(req, 0);
}

struct listing {
	fuse_req_t req;
	struct live_dir *dir;
	char *buf;
	size_t size, used;
	bool plus;
};

/* False: full. What is gone since is listed without attributes. */
static bool add_looked_up(
	struct listing *l, const struct live_dirent *e, bool dots, off_t next)
{
	struct fuse_entry_param ep = {.attr = {.st_ino = e->ino, .st_mode = e->type}};
	struct live_entry found = {0};
	size_t need;

	if (!dots && live_dir_look(l->dir, e->name, &found) == 0)
		ops_fill_entry(l->req, &found, &ep);
	need = fuse_add_direntry_plus(
		l->req, l->buf + l->used, l->size - l->used, e->name, &ep, next);
	if (need > l->size - l->used) {
		if (found.node)
			live_forget(ops_live(l->req), found.node, 1);
		return false;
	}
	l->used += need;
	return true;
}

static bool add(struct listing *l, const struct live_dirent *e, bool dots, off_t next)
{
	struct stat st = {.st_ino = e->ino, .st_mode = e->type};
	size_t need;

	if (l->plus)
		return add_looked_up(l, e, dots, next);
	need = fuse_add_direntry(
		l->req, l->buf + l->used, l->size - l->used, e->name, &st, next);
	if (need > l->size - l->used)
		return false;
	l->used += need;
	return true;
}

/* Offsets 1 and 2 stand behind "." and "..", i + 3 behind entry i. */
static void fill(struct listing *l, off_t off)
{
	struct live_dirent e = {.name = ".", .type = S_IFDIR};
	uint64_t above;

	live_dir_dots(l->dir, &e.ino, &above);
	if (off == 0 && !add(l, &e, true, ++off))
		return;
	e.name = "..";
	e.ino = above;
	if (off == 1 && !add(l, &e, true, ++off))
		return;
	while (live_dir_at(l->dir, (size_t)off - 2, &e))
		if (!add(l, &e, false, ++off))
			return;
}

static void read_directory(
	fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi, bool plus)
{
	cleanup_free char *buf = malloc(size);
	struct listing l = {req, open_dir(fi), buf, size, 0, plus};
	int rc = buf ? live_dir_begin(l.dir, off == 0) : -ENOMEM;

	if (rc < 0) {
		ops_reply(req, rc);
		return;
	}
	if (off >= 0)
		fill(&l, off);
	live_dir_end(l.dir);
	fuse_reply_buf(req, buf, l.used);
}

void live_op_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, off, fi, false);
}

void live_op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, off, fi, true);
}
