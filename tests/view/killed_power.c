/* SPDX-License-Identifier: MIT */
/*
 * The tree after a power cut against the model. What was synced after it was last changed
 * has to be as the model says:
 *
 * - a name, once its directory and all names above it were (so has its being gone);
 * - content, owner, mode, time and attributes of an inode, once that was, if it can be
 *   found by such a name.
 *
 * What was changed later may be as before, as after, or not be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/view/killed.h"

struct power {
	struct model *model;
	unsigned int wrong;
	size_t promises;
};

struct level {
	struct power *power;
	const struct node *dir;
	const char *path;
};

static bool durable(const struct power *p, const struct node *n, uint64_t at)
{
	return at <= n->at.synced || at <= p->model->synced;
}

static void broken(struct power *p, const char *path, const char *what)
{
	if (p->wrong++ < 20)
		fprintf(stderr, "%s: %s\n", path, what);
}

/* A name that the model does not have: removed, or replaced, and not yet for good. */
static bool each_name(const char *name, void *arg)
{
	struct level *l = arg;
	uint64_t last = 0;
	bool former = false;
	char what[MAX_PATH];

	if (node_entry(l->dir, name))
		return true;
	for (size_t i = 0; i < l->dir->former_count; i++)
		if (strcmp(l->dir->formers[i].name, name) == 0) {
			former = true;
			if (l->dir->formers[i].at > last)
				last = l->dir->formers[i].at;
		}
	if (!former || durable(l->power, l->dir, last)) {
		snprintf(what, sizeof(what), "there is a %s, which %s", name,
			former ? "was removed for good" : "never was");
		broken(l->power, l->path, what);
	}
	return true;
}

static void check_node(struct power *p, int dir, const char *name, const char *path,
	struct node *n, const struct found *f)
{
	const struct stat *st = &f->st;

	if (S_ISLNK(n->mode) && strcmp(f->target, n->target) != 0)
		broken(p, path, "leads elsewhere");
	if (durable(p, n, n->at.meta)) {
		p->promises++;
		if (st->st_mode != n->mode || st->st_uid != n->uid ||
			st->st_gid != n->gid)
			broken(p, path, "another mode or owner");
		if (n->mtime_known && durable(p, n, n->at.content) && !S_ISDIR(n->mode) &&
			(st->st_mtim.tv_sec != n->mtime.tv_sec ||
				st->st_mtim.tv_nsec != n->mtime.tv_nsec))
			broken(p, path, "another time");
	}
	if (S_ISREG(n->mode) && durable(p, n, n->at.content)) {
		p->promises++;
		if (!same_content(n, f))
			broken(p, path, "other content");
	}
	if ((S_ISREG(n->mode) || S_ISDIR(n->mode)) && durable(p, n, n->at.xattrs)) {
		p->promises++;
		if (!same_xattrs(n, path, dir, name, f))
			broken(p, path, "other attributes");
	}
}

static void check_directory(
	struct power *p, int fd, const char *path, const struct node *dir);

static void check_entry(struct power *p, int dir, const char *path, const struct entry *e)
{
	struct found f;
	int fd;

	p->promises++;
	if (!look(dir, e->name, path, &f, true)) {
		broken(p, path, "cannot be read or is gone, and had been synced");
	} else if ((f.st.st_mode & S_IFMT) != (e->node->mode & S_IFMT)) {
		broken(p, path, "is of another type");
	} else {
		check_node(p, dir, e->name, path, e->node, &f);
		if (S_ISDIR(e->node->mode)) {
			fd = openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			check_directory(p, fd, path, e->node);
			close(fd);
		}
	}
	look_done(&f);
}

static void check_directory(
	struct power *p, int fd, const char *path, const struct node *dir)
{
	struct level l = {p, dir, path};
	char below[MAX_PATH * 2];

	if (fd < 0 || !for_names(fd, each_name, &l)) {
		broken(p, path, "cannot be read");
		return;
	}
	for (size_t i = 0; i < dir->count; i++)
		if (durable(p, dir, dir->entries[i].at)) {
			snprintf(below, sizeof(below), "%s/%s", path,
				dir->entries[i].name);
			check_entry(p, fd, below, &dir->entries[i]);
		}
}

unsigned int check_power(struct model *m, int dir, size_t *promises)
{
	struct power p = {.model = m};

	check_directory(&p, dir, ".", m->root);
	*promises = p.promises;
	return p.wrong;
}
