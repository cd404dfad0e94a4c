/* SPDX-License-Identifier: MIT */
/*
 * Hard links that were made beside the view, of a file without a record. Before it gets
 * one, all its names have to be found: the record is theirs too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/live/node.h"
#include "fs/walk.h"

struct search {
	const struct live_node *wanted;
	char **paths;
	size_t count, room;
};

static int note(void *arg, const struct walk_step *s, struct err *e)
{
	struct search *x = arg;
	struct db_hint hint;

	if (!engine_host_linked(s->node))
		return 0;
	engine_hint(s->node, &hint);
	if (hint.ino != x->wanted->ino || hint.dev != x->wanted->dev)
		return 0;
	if (array_room(x->paths, x->count, &x->room) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	x->paths[x->count] = strdup(s->path);
	if (!x->paths[x->count])
		return err_set(e, ERR_SYS, "out of memory");
	x->count++;
	return 0;
}

/* Every path of the file, from the staging tree as it is now. */
static int find_paths(struct live *l, struct search *x)
{
	struct engine_options o = {0};
	struct engine *en = NULL;
	struct stage *stage;
	struct err e;
	int rc = stage_open(&stage, stage_path(l->stage), &e);

	if (rc == 0)
		rc = engine_open(&en, stage, NULL, &o, &e);
	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", note, x, &e);
	engine_close(en);
	return rc < 0 ? db_errno(l, &e) : 0;
}

/* The directory of a path, with a record; and the path's last name. */
static int directory_of(struct live *l, char *path, struct live_node **dir, char **name)
{
	char *rest = path;
	int rc = 0;

	*dir = l->root;
	*name = path;
	for (char *slash; rc == 0 && (slash = strchr(rest, '/')); rest = slash + 1) {
		cleanup_grip struct grip g = GRIP_NONE;
		struct live_node *next;
		struct statx st;

		*slash = '\0';
		rc = grip_node(l, *dir, &g);
		if (rc == 0)
			rc = child_node(l, *dir, &g, rest, &st, &next);
		if (rc == 0)
			rc = node_adopt(l, next, &st);
		if (rc == 0)
			*dir = next;
		*name = slash + 1;
	}
	return rc;
}

static int name_record(struct live *l, char *path, int64_t record)
{
	struct live_node *dir;
	char *name;
	struct err e;
	int rc = directory_of(l, path, &dir, &name);

	if (rc == 0)
		rc = change_begin(l);
	if (rc == 0) {
		if (db_name_put(l->db, dir->r.id, name, strlen(name), record, &e) < 0)
			rc = db_errno(l, &e);
		rc = change_end(l, rc);
	}
	return rc;
}

int links_record(struct live *l, struct live_node *n)
{
	struct search x = {.wanted = n};
	int rc = find_paths(l, &x);

	for (size_t i = 0; i < x.count; i++) {
		if (rc == 0)
			rc = name_record(l, x.paths[i], n->r.id);
		free(x.paths[i]);
	}
	free(x.paths);
	n->r.names = x.count > 1 ? 2 : 1;
	return rc;
}
