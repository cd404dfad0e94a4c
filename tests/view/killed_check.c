/* SPDX-License-Identifier: MIT */
/* The tree against the model: every name, every inode, nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/view/killed.h"

struct check {
	struct model *model;
	bool tell;
	unsigned int differences;
};

struct level {
	struct check *check;
	const struct node *dir;
	const char *path;
	size_t met;
};

__attribute__((format(printf, 3, 4))) static void differs(
	struct check *c, const char *path, const char *fmt, ...)
{
	va_list ap;

	c->differences++;
	if (!c->tell || c->differences > 20)
		return;
	fprintf(stderr, "%s: ", path);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void check_meta(
	struct check *c, const char *path, const struct node *n, const struct stat *st)
{
	if (st->st_mode != n->mode)
		differs(c, path, "mode %o, not %o", st->st_mode, n->mode);
	if (st->st_uid != n->uid || st->st_gid != n->gid)
		differs(c, path, "owner %u:%u, not %u:%u", st->st_uid, st->st_gid, n->uid,
			n->gid);
	if (!S_ISDIR(n->mode) && st->st_nlink != n->nlink)
		differs(c, path, "%lu links, not %u", (unsigned long)st->st_nlink,
			n->nlink);
	if (n->mtime_known && (st->st_mtim.tv_sec != n->mtime.tv_sec ||
				      st->st_mtim.tv_nsec != n->mtime.tv_nsec))
		differs(c, path, "modified at %lld.%09ld, not %lld.%09ld",
			(long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			(long long)n->mtime.tv_sec, n->mtime.tv_nsec);
}

/* All names of an inode show one number, and two inodes never the same. */
static void check_identity(
	struct check *c, const char *path, struct node *n, const struct stat *st)
{
	if (n->names++ == 0) {
		n->ino = st->st_ino;
		for (const struct node *o = c->model->all; o; o = o->next)
			if (o != n && o->names && o->ino == n->ino)
				differs(c, path, "has another file's inode number");
	} else if (n->ino != st->st_ino) {
		differs(c, path, "is not the file that its other names lead to");
	}
}

static void check_node(struct check *c, int dir, const char *name, const char *path,
	struct node *n, const struct found *f)
{
	check_meta(c, path, n, &f->st);
	check_identity(c, path, n, &f->st);
	if (S_ISLNK(n->mode) && strcmp(f->target, n->target) != 0)
		differs(c, path, "leads to %s, not %s", f->target, n->target);
	if (S_ISREG(n->mode) && !same_content(n, f))
		differs(c, path, "content differs (%zu bytes, not %zu)", f->size,
			n->size);
	if ((S_ISREG(n->mode) || S_ISDIR(n->mode)) && !same_xattrs(n, path, dir, name, f))
		differs(c, path, "attributes differ");
}

static void check_directory(
	struct check *c, int fd, const char *path, const struct node *dir);

static void check_entry(struct check *c, int dir, const char *path, const struct entry *e)
{
	struct found f;
	int fd;

	if (!look(dir, e->name, path, &f, c->tell)) {
		c->differences++;
		look_done(&f);
		return;
	}
	if ((f.st.st_mode & S_IFMT) != (e->node->mode & S_IFMT)) {
		differs(c, path, "is of another type: %o, not %o", f.st.st_mode,
			e->node->mode);
	} else {
		check_node(c, dir, e->name, path, e->node, &f);
		if (S_ISDIR(e->node->mode)) {
			fd = openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			check_directory(c, fd, path, e->node);
			close(fd);
		}
	}
	look_done(&f);
}

static bool is_foreign(const struct check *c, const struct node *dir, const char *name)
{
	const char *prefix = c->model->prefix;

	return dir == c->model->root && strncmp(name, prefix, strlen(prefix)) != 0;
}

static bool each_name(const char *name, void *arg)
{
	struct level *l = arg;

	if (is_foreign(l->check, l->dir, name))
		return true;
	if (node_entry(l->dir, name))
		l->met++;
	else
		differs(l->check, l->path, "there is a %s, which must not be", name);
	return true;
}

static void check_directory(
	struct check *c, int fd, const char *path, const struct node *dir)
{
	struct level l = {c, dir, path, 0};
	char below[MAX_PATH * 2];

	if (fd < 0 || !for_names(fd, each_name, &l)) {
		differs(c, path, "cannot be read: %s", strerror(errno));
		return;
	}
	if (l.met > dir->count)
		differs(c, path, "names come twice");
	for (size_t i = 0; i < dir->count; i++) {
		snprintf(below, sizeof(below), "%s/%s", path, dir->entries[i].name);
		check_entry(c, fd, below, &dir->entries[i]);
	}
	if (l.met < dir->count)
		differs(c, path, "does not list all that it has");
}

unsigned int check_tree(struct model *m, int dir, bool tell)
{
	struct check c = {.model = m, .tell = tell};

	for (struct node *n = m->all; n; n = n->next)
		n->names = 0;
	check_directory(&c, dir, ".", m->root);
	return c.differences;
}
