/* SPDX-License-Identifier: MIT */
/*
 * Hard links that were made beside the view, of files without a record. Before one gets
 * its record, all its names have to be found: the record is theirs too. Where they are,
 * only the whole staging tree can tell, so what it told is kept for a while.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
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
	int64_t start = now_ms(), took;
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
	took = now_ms() - start;
	l->links->until =
		now_ms() +
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

/* The name may have gone, or be another file's, since the tree was read. */
static int name_record(struct live *l, const struct live_node *n, const char *found)
{
	cleanup_free char *path = strdup(found);
	cleanup_grip struct grip g = GRIP_NONE;
	struct live_node *dir;
	struct statx st;
	char *name;
	struct err e;
	int rc;

	if (!path)
		return -ENOMEM;
	rc = directory_of(l, path, &dir, &name);
	if (rc == 0)
		rc = grip_node(l, dir, &g);
	if (rc == 0)
		rc = live_statx(g.fd, name, &st);
	if (rc == 0 && st.stx_ino == n->ino && stage_dev(&st) == n->dev)
		rc = change_begin(l);
	else
		rc = rc == -ENOENT || rc == -ESTALE || rc == 0 ? 1 : rc;
	if (rc == 0) {
		if (db_name_put(l->db, dir->r.id, name, strlen(name), n->r.id, &e) < 0)
			rc = db_errno(l, &e);
		rc = change_end(l, rc);
	}
	node_drop_hold(l, dir);
	return rc < 0 ? rc : 0;
}

int live_links_record(struct live *l, struct live_node *n)
{
	struct link_name key = {.dev = n->dev, .ino = n->ino};
	size_t low = 0, high = l->links->count;
	int rc = 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (by_file(&l->links->names[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; rc == 0 && low < l->links->count; low++) {
		if (by_file(&l->links->names[low], &key) != 0)
			break;
		rc = name_record(l, n, l->links->names[low].path);
		n->r.names = 2;
	}
	return rc;
}
