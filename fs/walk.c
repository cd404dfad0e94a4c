/* SPDX-License-Identifier: MIT */
#include "fs/walk.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

struct level {
	struct node *dir;
	const struct entry *entries;
	size_t count, next;
	size_t path_len; /* of dir's path */
};

struct walker {
	struct level *levels;
	size_t depth, room;
	struct buf path;
};

static int push(struct walker *w, struct engine *en, struct node *dir, struct err *e)
{
	struct level *l;

	if (w->depth == w->room) {
		size_t room = w->room ? w->room * 2 : 32;

		l = reallocarray(w->levels, room, sizeof(*l));
		if (!l)
			return err_set(e, ERR_SYS, "out of memory");
		w->levels = l;
		w->room = room;
	}
	l = &w->levels[w->depth];
	*l = (struct level){.dir = dir, .path_len = w->path.len};
	if (engine_list(en, dir, &l->entries, &l->count, e) < 0)
		return -1;
	w->depth++;
	return 0;
}

static int visit(struct walker *w, struct engine *en, const struct walk_step *s,
	walk_fn *fn, void *arg, struct err *e)
{
	int rc = fn(arg, s, e);

	if (rc == WALK_PRUNE)
		return 0;
	if (rc != 0)
		return rc;
	return engine_is_dir(s->node) ? push(w, en, s->node, e) : 0;
}

static int next(
	struct walker *w, struct engine *en, walk_fn *fn, void *arg, struct err *e)
{
	struct level *l = &w->levels[w->depth - 1];
	const struct entry *entry;
	struct walk_step step;

	w->path.len = l->path_len;
	if (w->path.data)
		w->path.data[w->path.len] = '\0';
	if (l->next == l->count) {
		w->depth--;
		return 0;
	}
	entry = &l->entries[l->next++];
	if ((w->path.len && buf_addc(&w->path, '/') < 0) ||
		buf_adds(&w->path, entry->name) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	step = (struct walk_step){
		w->path.data, entry->name, l->dir, entry->node, w->depth};
	return visit(w, en, &step, fn, arg, e);
}

int engine_walk(struct engine *en, struct node *start, const char *start_path,
	walk_fn *fn, void *arg, struct err *e)
{
	struct walker w = {0};
	const char *slash = strrchr(start_path, '/');
	struct walk_step step = {
		.path = start_path,
		.name = slash ? slash + 1 : start_path,
		.dir = engine_parent(start),
		.node = start,
	};
	int rc = 0;

	if (buf_adds(&w.path, start_path) < 0)
		rc = err_set(e, ERR_SYS, "out of memory");
	if (rc == 0)
		rc = visit(&w, en, &step, fn, arg, e);
	while (rc == 0 && w.depth)
		rc = next(&w, en, fn, arg, e);
	free(w.levels);
	buf_free(&w.path);
	return rc;
}
