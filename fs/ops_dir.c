/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/ops.h"

static void fill_entry(fuse_req_t req, struct node *n, struct fuse_entry_param *ep)
{
	*ep = (struct fuse_entry_param){
		.ino = (fuse_ino_t)(uintptr_t)n,
		.attr_timeout = VIEW_FOREVER,
		.entry_timeout = VIEW_FOREVER,
	};
	engine_stat(view_engine(req), n, &ep->attr);
	stats_file(view_stats(req), ep->attr.st_ino);
}

void view_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param ep;
	struct err e;
	struct node *n;

	if (strlen(name) > DB_NAME_MAX) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	n = engine_lookup(view_engine(req), view_node(req, parent), name, &e);

	if (n) {
		fill_entry(req, n, &ep);
	} else if (err_errno(&e) == ENOENT) {
		/* Number 0: the kernel remembers that there is no such name. */
		ep = (struct fuse_entry_param){.entry_timeout = VIEW_FOREVER};
	} else {
		fuse_reply_err(req, err_errno(&e));
		return;
	}
	fuse_reply_entry(req, &ep);
}

struct reply {
	fuse_req_t req;
	char *buf;
	size_t size, used;
	bool plus;
};

/* Offsets 1 and 2 stand behind "." and "..", i + 3 behind entry i. False: full. */
static bool add(struct reply *l, const char *name, struct node *n, bool dots, off_t next)
{
	struct fuse_entry_param ep;
	size_t need;

	fill_entry(l->req, n, &ep);
	/* The kernel takes no reference on what "." and ".." stand for. */
	if (dots)
		ep.ino = 0;
	if (l->plus)
		need = fuse_add_direntry_plus(
			l->req, l->buf + l->used, l->size - l->used, name, &ep, next);
	else
		need = fuse_add_direntry(l->req, l->buf + l->used, l->size - l->used,
			name, &ep.attr, next);
	if (need > l->size - l->used)
		return false;
	l->used += need;
	return true;
}

static void fill(struct reply *l, struct node *dir, const struct entry *entries,
	size_t count, off_t off)
{
	struct node *parent = engine_parent(dir) ? engine_parent(dir) : dir;

	if (off < 0)
		return;
	if (off == 0 && !add(l, ".", dir, true, ++off))
		return;
	if (off == 1 && !add(l, "..", parent, true, ++off))
		return;
	for (size_t i = (size_t)off - 2; i < count; i++)
		if (!add(l, entries[i].name, entries[i].node, false, (off_t)i + 3))
			return;
}

static void read_directory(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	cleanup_free char *buf = malloc(size);
	struct reply l = {.req = req, .buf = buf, .size = size, .plus = plus};
	struct node *dir = view_node(req, ino);
	const struct entry *entries;
	size_t count;
	struct view *v = fuse_req_userdata(req);
	bool first = !engine_loaded(dir);
	struct err e;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
	} else if (engine_list(view_engine(req), dir, &entries, &count, &e) < 0) {
		fuse_reply_err(req, err_errno(&e));
	} else {
		if (off == 0)
			ahead_listed(v->ahead, fuse_req_ctx(req)->pid, dir, first);
		fill(&l, dir, entries, count, off);
		fuse_reply_buf(req, buf, l.used);
	}
}

void view_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	read_directory(req, ino, size, off, false);
}

void view_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	read_directory(req, ino, size, off, true);
}
