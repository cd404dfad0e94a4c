/* SPDX-License-Identifier: MIT */
/*
 * Hard links that were made beside the view, of files without a record. Before one gets
 * its record, all its names have to be found: the record is theirs too. Where they are,
 * only the whole staging tree can tell, so what it told is kept for a while.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/engine.h"
#include "fs/live/node.h"
#include "fs/walk.h"

struct link_name {
	uint64_t dev, ino;
	char *path;
};

struct link_names {
	struct link_name *names; /* sorted by file */
	size_t count, room;
	int64_t until; /* milliseconds */
};

/* Reading the tree must not be most of what is done. */
#define KEPT_AT_LEAST 2000
#define KEPT_TIMES    10

static int by_file(const void *a, const void *b)
{
	const struct link_name *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

static int note(void *arg, const struct walk_step *s, struct err *e)
{
	struct link_names *x = arg;
	struct db_hint hint;

	if (!engine_host_linked(s->node))
		return 0;
	if (array_room(x->names, x->count, &x->room) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	engine_hint(s->node, &hint);
	x->names[x->count] = (struct link_name){hint.dev, hint.ino, strdup(s->path)};
	if (!x->names[x->count].path)
		return err_set(e, ERR_SYS, "out of memory");
	x->count++;
	return 0;
}

void live_links_free(struct live *l)
{
	if (!l->links)
		return;
	for (size_t i = 0; i < l->links->count; i++)
		free(l->links->names[i].path);
	free(l->links->names);
	free(l->links);
	l->links = NULL;
}

/* A sealed engine without a database reads the tree as it is now. */
static int read_tree(struct live *l, struct err *e)
{
	struct engine_options o = {0};
	struct engine *en = NULL;
	struct stage *stage;
	int rc = stage_open(&stage, stage_path(l->stage), e);

	if (rc == 0)
		rc = engine_open(&en, stage, NULL, &o, e);
	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", note, l->links, e);
	engine_close(en);
	return rc;
}

int live_links_find(struct live *l)
{
	int64_t start = clock_ms(), took;
	struct err e;

	if (l->links && start < l->links->until)
		return 0;
	live_links_free(l);
	l->links = calloc(1, sizeof(*l->links));
	if (!l->links)
		return -ENOMEM;
	if (read_tree(l, &e) < 0) {
		live_links_free(l);
		return db_errno(l, &e);
	}
	if (l->links->count)
		qsort(l->links->names, l->links->count, sizeof(*l->links->names),
			by_file);
	took = clock_ms() - start;
	l->links->until =
		clock_ms() +
		(took * KEPT_TIMES > KEPT_AT_LEAST ? took * KEPT_TIMES : KEPT_AT_LEAST);
	return 0;
}

/* The directory of a path, with a record, and the path's last name. dir is held. */
static int directory_of(struct live *l, char *path, struct live_node **dir, char **name)
{
	char *rest = path;
	int rc = 0;

	*dir = l->root;
	*name = path;
	node_hold(*dir);
	for (char *slash; rc == 0 && (slash = strchr(rest, '/')); rest = slash + 1) {
		cleanup_grip struct grip g = GRIP_NONE;
		struct live_node *next;
		struct statx st;

		*slash = '\0';
		*name = slash + 1;
		rc = grip_node(l, *dir, &g);
		if (rc == 0)
			rc = child_node(l, *dir, &g, rest, &st, &next);
		if (rc < 0)
			break;
		node_hold(next);
		node_drop_hold(l, *dir);
		*dir = next;
		rc = node_adopt(l, next, &st);
	}
	return rc;
}

/* In a transaction of its own; 1, or -errno. */
static int put_name(
	struct live *l, const struct live_node *dir, const char *name, int64_t record)
{
	struct err e;
	int rc = change_begin(l);

	if (rc < 0)
		return rc;
	if (db_name_put(l->db, dir->r.id, name, strlen(name), record, &e) < 0)
		rc = db_errno(l, &e);
	rc = change_end(l, rc);
	return rc < 0 ? rc : 1;
}

/* The name may have gone, or be another file's, since the tree was read. */
static int name_record(struct live *l, const struct live_node *n, const char *found)
{
	cleanup_free char *path = strdup(found);
	cleanup_grip struct grip g = GRIP_NONE;
	struct live_node *dir;
	struct statx st;
	char *name;
	int rc;

	if (!path)
		return -ENOMEM;
	rc = directory_of(l, path, &dir, &name);
	if (rc == 0)
		rc = grip_node(l, dir, &g);
	if (rc == 0)
		rc = live_statx(g.fd, name, &st);
	if (rc == 0 && st.stx_ino == n->ino && stage_dev(&st) == n->dev)
		rc = put_name(l, dir, name, n->r.id);
	else
		rc = rc == -ENOENT || rc == -ESTALE ? 0 : rc;
	node_drop_hold(l, dir);
	return rc < 0 ? rc : 0;
}

/* Where the names of a file begin. */
static size_t first_of(const struct link_names *x, const struct live_node *n)
{
	struct link_name key = {.dev = n->dev, .ino = n->ino};
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (by_file(&x->names[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct link_names *x, size_t i, const struct live_node *n)
{
	return i < x->count && x->names[i].ino == n->ino && x->names[i].dev == n->dev;
}

/* The record at a path, if that still leads to the file and it holds: 1, 0, -errno. */
static int record_at(
	struct live *l, const struct live_node *n, const char *path, struct db_record *r)
{
	cleanup_close int fd = -1;
	const char *name = path;
	struct statx st;
	struct err e;
	int rc = 1;

	*r = (struct db_record){.id = DB_ROOT};
	while (rc == 1 && *name) {
		size_t len = strcspn(name, "/");

		rc = db_name_get(l->db, r->id, name, len, r, &e);
		name += len + (name[len] == '/');
	}
	if (rc <= 0)
		return rc < 0 ? db_errno(l, &e) : 0;
	fd = stage_openat(l->stage, path, O_PATH, &e);
	if (fd < 0 || live_statx(fd, "", &st) < 0)
		return 0;
	return st.stx_ino == n->ino && stage_dev(&st) == n->dev &&
	       engine_type_holds(r->type, st.stx_mode, st.stx_size);
}

/* The record of another name: of one that the kernel knows, or of one that was found. */
static int find_record(struct live *l, struct live_node *n, struct db_record *r)
{
	const struct link_names *x = l->links;
	struct live_node *known = node_recorded(l, n);
	int rc = known ? node_sync(l, known) : 0;

	if (rc == 0 && known && known->r.id && !known->split) {
		/* It has a name again. */
		known->orphan = known->orphan && !n->parent;
		*r = known->r;
		return 1;
	}
	for (size_t i = first_of(x, n); rc == 0 && is_of(x, i, n); i++)
		rc = record_at(l, n, x->names[i].path, r);
	return rc;
}

int live_links_join(struct live *l, struct live_node *n)
{
	struct db_record r;
	int rc = find_record(l, n, &r);

	if (rc == 1 && n->parent)
		rc = put_name(l, n->parent, n->name, r.id);
	if (rc == 1) {
		n->r = r;
		n->orphan = false;
		node_twins(l, n);
	}
	return rc;
}

int live_links_record(struct live *l, struct live_node *n)
{
	const struct link_names *x = l->links;
	int rc = 0;

	for (size_t i = first_of(x, n); rc == 0 && is_of(x, i, n); i++) {
		rc = name_record(l, n, x->names[i].path);
		n->r.names = 2;
	}
	return rc;
}
