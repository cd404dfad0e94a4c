/* SPDX-License-Identifier: MIT */
/*
 * Nodes: found by their staging file, reached by the names above them. A staging file is
 * opened by its path for each call and held to what the node knows of it, so that what is
 * moved out of the tree is never followed there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/live/node.h"

int live_statx(int fd, const char *name, struct statx *st)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);

	if (statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, st) < 0)
		return -errno;
	return 0;
}

static size_t bucket(const struct live *l, uint64_t ino)
{
	return (ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (l->bucket_count - 1);
}

static int grow(struct live *l)
{
	size_t old_count = l->bucket_count;
	struct live_node **old = l->buckets;
	struct live_node **table =
		calloc(old_count ? old_count * 4 : 1024, sizeof(*table));

	if (!table)
		return -1;
	l->bucket_count = old_count ? old_count * 4 : 1024;
	l->buckets = table;
	for (size_t i = 0; i < old_count; i++) {
		struct live_node *next;

		for (struct live_node *n = old[i]; n; n = next) {
			size_t b = bucket(l, n->ino);

			next = n->next;
			n->next = table[b];
			table[b] = n;
		}
	}
	free(old);
	return 0;
}

static void take_out(struct live *l, const struct live_node *n)
{
	struct live_node **p = &l->buckets[bucket(l, n->ino)];

	while (*p && *p != n)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = n->next;
	l->count--;
}

struct live_node *node_find(struct live *l, const struct statx *st, int64_t record)
{
	struct live_node *n = l->buckets[bucket(l, st->stx_ino)];
	uint64_t dev = stage_dev(st);
	int64_t btime = stage_btime(st);

	for (; n; n = n->next)
		if (n->ino == st->stx_ino && n->dev == dev && n->btime == btime &&
			(n->r.id == record || n->generation != l->generation))
			return n;
	return NULL;
}

static bool same_file(const struct live_node *a, const struct live_node *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->btime == b->btime;
}

struct live_node *node_recorded(struct live *l, const struct live_node *n)
{
	struct live_node *i = l->buckets[bucket(l, n->ino)];

	while (i && (i == n || !i->r.id || !same_file(i, n)))
		i = i->next;
	return i;
}

void node_twins(struct live *l, struct live_node *n)
{
	struct live_node *i = n->r.id ? l->buckets[bucket(l, n->ino)] : NULL;

	for (; i; i = i->next)
		if (i != n && i->r.id == n->r.id && same_file(i, n))
			i->twin = n->twin = true;
}

void node_hold(struct live_node *n)
{
	n->holds++;
}

static void forget_path(struct live *l, struct live_node *n)
{
	struct live_node *parent = n->parent;

	n->parent = NULL;
	free(n->name);
	n->name = NULL;
	if (parent)
		node_drop_hold(l, parent);
}

void node_release(struct live *l, struct live_node *n)
{
	if (n->lookups || n->holds || n == l->root)
		return;
	take_out(l, n);
	files_forget(l, n);
	if (l->near == n)
		grip_forget(l);
	/* Its record may have gone meanwhile, and the number be another's. */
	if (n->orphan && node_sync(l, n) == 0 && n->orphan)
		orphan_dead(l, n->r.id);
	if (n->fd >= 0)
		close(n->fd);
	forget_path(l, n);
	free(n);
}

void node_drop_hold(struct live *l, struct live_node *n)
{
	n->holds--;
	node_release(l, n);
}

int node_set_path(
	struct live *l, struct live_node *n, struct live_node *dir, const char *name)
{
	char *copy;

	if (n == l->root || (n->parent == dir && strcmp(n->name, name) == 0))
		return 0;
	/* Directories that were moved beside the view may seem to hold each other. */
	for (const struct live_node *i = dir; i && S_ISDIR(n->type); i = i->parent)
		if (i == n)
			return -ESTALE;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	node_hold(dir);
	forget_path(l, n);
	n->parent = dir;
	n->name = copy;
	if (n->fd >= 0)
		close(take_fd(&n->fd));
	return 0;
}

void node_detach(struct live *l, struct live_node *n, int fd)
{
	forget_path(l, n);
	if (n->fd >= 0)
		close(n->fd);
	n->fd = fd;
}

struct live_node *node_get(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, const struct db_record *r)
{
	struct live_node *n = node_find(l, st, r->id);
	bool split =
		r->id && r->names > 1 && st->stx_nlink == 1 && !S_ISDIR(st->stx_mode);
	bool fresh = !n;
	int rc;

	if (fresh) {
		if (l->count >= l->bucket_count && grow(l) < 0)
			return NULL;
		n = calloc(1, sizeof(*n));
		if (!n)
			return NULL;
		n->fd = -1;
		n->dev = stage_dev(st);
		n->ino = st->stx_ino;
		n->btime = stage_btime(st);
		n->shown = shown_ino(r->id, split, st->stx_ino);
		n->next = l->buckets[bucket(l, n->ino)];
		l->buckets[bucket(l, n->ino)] = n;
		l->count++;
	}
	if (fresh || n->generation != l->generation || r->id) {
		n->r = *r;
		n->split = split;
		n->type = r->id ? r->type : st->stx_mode & S_IFMT;
		n->generation = l->generation;
		if (!fresh)
			node_twins(l, n);
	}
	rc = dir ? node_set_path(l, n, dir, name) : 0;
	if (rc < 0) {
		node_release(l, n);
		errno = -rc;
		return NULL;
	}
	return n;
}

int node_path(const struct live *l, const struct live_node *n, char **path)
{
	size_t size = 0; /* each name and the '/' or NUL behind it */
	const struct live_node *i;
	char *p;

	*path = NULL;
	for (i = n; i->name; i = i->parent)
		size += strlen(i->name) + 1;
	if (i != l->root)
		return -ESTALE;
	*path = p = malloc(size ? size : 1);
	if (!p)
		return -ENOMEM;
	p += size ? size : 1;
	*--p = '\0';
	for (i = n; i->name; i = i->parent) {
		size_t len = strlen(i->name);

		if (i != n)
			*--p = '/';
		p -= len;
		memcpy(p, i->name, len);
	}
	return 0;
}

int node_where(struct live *l, const struct live_node *n, char **path)
{
	struct err e;
	int rc = node_path(l, n, path);

	if (rc != -ESTALE || n->name || !n->r.id || n->orphan)
		return rc;
	rc = db_record_path(l->db, n->r.id, path, &e);
	return rc < 0 ? db_errno(l, &e) : rc ? 0 : -ESTALE;
}

void grip_release(struct grip *g)
{
	if (g->fd >= 0 && !g->borrowed)
		close(g->fd);
	g->fd = -1;
}

const char *grip_path(const struct grip *g, char path[GRIP_PATH])
{
	return descriptor_path(g->fd, path);
}

/* What names an inode is not there any more, for whoever knows it by number. */
static int stale(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV
		       ? -ESTALE
		       : -error;
}

int grip_node(struct live *l, struct live_node *n, struct grip *g)
{
	cleanup_free char *path = NULL;
	struct err e;
	int rc;

	*g = (struct grip)GRIP_NONE;
	if (n == l->root || n->fd >= 0) {
		g->fd = n == l->root ? stage_root(l->stage) : n->fd;
		g->borrowed = true;
		return live_statx(g->fd, "", &g->st);
	}
	if (files_grip(l, n, g))
		return 0;
	rc = node_where(l, n, &path);
	if (rc < 0)
		return rc;
	g->fd = stage_openat(l->stage, path, O_PATH, &e);
	if (g->fd < 0)
		return e.code == ERR_SYS ? stale(e.sys) : -EIO;
	rc = live_statx(g->fd, "", &g->st);
	if (rc == 0 && (g->st.stx_ino != n->ino || stage_dev(&g->st) != n->dev))
		rc = -ESTALE;
	if (rc < 0)
		grip_release(g);
	return rc;
}

#define NEAR_FOR 10000000 /* nanoseconds */

void grip_forget(struct live *l)
{
	grip_release(&l->near_grip);
	l->near = NULL;
}

int grip_dir(struct live *l, struct live_node *dir, struct grip *g)
{
	int rc;

	if (l->near != dir || clock_ns() - l->near_since > NEAR_FOR) {
		grip_forget(l);
		rc = grip_node(l, dir, &l->near_grip);
		if (rc < 0) {
			*g = (struct grip)GRIP_NONE;
			return rc;
		}
		l->near = dir;
		l->near_since = clock_ns();
	}
	*g = l->near_grip;
	g->borrowed = true;
	return 0;
}

int live_nodes_init(struct live *l, struct err *e)
{
	struct statx st;
	struct db_record r;
	int rc = live_statx(stage_root(l->stage), "", &st);

	if (rc < 0) {
		errno = -rc;
		return err_sys(
			e, stage_path(l->stage), "cannot examine the staging tree");
	}
	l->owner = st.stx_uid;
	rc = db_record_get(l->db, DB_ROOT, &r, e);
	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(e, ERR_INPUT,
					"%s: damaged: the root has no record",
					db_path(l->db));
	l->root = grow(l) < 0 ? NULL : node_get(l, NULL, NULL, &st, &r);
	return l->root ? 0 : err_set(e, ERR_SYS, "out of memory");
}

void live_nodes_free(struct live *l)
{
	for (size_t i = 0; i < l->bucket_count; i++)
		while (l->buckets[i]) {
			struct live_node *n = l->buckets[i];

			l->buckets[i] = n->next;
			if (n->fd >= 0)
				close(n->fd);
			free(n->name);
			free(n);
		}
	free(l->buckets);
	l->buckets = NULL;
}
