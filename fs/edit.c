/* SPDX-License-Identifier: MIT */
#include "fs/edit.h"

#include <stdlib.h>
#include <string.h>

#include "fs/node.h"

struct copy {
	struct db *db;
	int64_t to;
	struct err *e;
};

static int copy_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct copy *c = arg;

	return db_xattr_put(c->db, c->to, name, value, len, c->e);
}

int edit_make_record(
	struct engine *en, const struct node *n, int64_t from, int64_t *id, struct err *e)
{
	struct db_record r = db_record_new(n->mode);
	struct copy c = {.db = en->db, .e = e};

	if (from && db_record_get(en->db, from, &r, e) < 0)
		return -1;
	r.id = 0;
	engine_hint(n, &r.hint);
	if (db_record_put(en->db, &r, e) < 0)
		return -1;
	*id = c.to = r.id;
	return from ? db_xattr_each(en->db, from, copy_xattr, &c, e) : 0;
}

/* A record of its own for a node: silent, or a copy of the one that it shares. */
static int make_record(struct engine *en, struct node *n, int64_t *id, struct err *e)
{
	if (edit_make_record(en, n, n->split ? n->record : 0, id, e) < 0)
		return -1;
	n->record = *id;
	n->split = false;
	return 0;
}

/* One name and its node, below a directory whose record is there. */
static int adopt(struct engine *en, struct node *dir, const char *name, struct node *n,
	int64_t *id, struct err *e)
{
	if (n->record && !n->split)
		*id = n->record;
	else if (make_record(en, n, id, e) < 0)
		return -1;
	if (!dir)
		return 0;
	return db_name_put(en->db, dir->record, name, strlen(name), *id, e);
}

int edit_adopt(struct engine *en, struct node *dir, const char *name, struct node *n,
	int64_t *id, struct err *e)
{
	int64_t above;

	/* From the top down: the highest directory without a record first. */
	while (dir && !dir->record) {
		struct node *top = dir;

		while (top->parent && !top->parent->record)
			top = top->parent;
		if (adopt(en, top->parent, top->name, top, &above, e) < 0)
			return -1;
	}
	return adopt(en, dir, name, n, id, e);
}

struct edit_links {
	struct node **nodes; /* open addressing by staging file; recorded ones win */
	size_t count, room;
};

struct edit_links *edit_links_new(void)
{
	return calloc(1, sizeof(struct edit_links));
}

void edit_links_free(struct edit_links *l)
{
	if (l)
		free(l->nodes);
	free(l);
}

static struct node **slot(const struct edit_links *l, const struct node *n)
{
	size_t i = (n->seen.ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (l->room - 1);

	while (l->nodes[i] && (l->nodes[i]->seen.ino != n->seen.ino ||
				      l->nodes[i]->seen.dev != n->seen.dev))
		i = (i + 1) & (l->room - 1);
	return &l->nodes[i];
}

static int make_room(struct edit_links *l)
{
	struct edit_links bigger = {
		.room = l->room ? l->room * 2 : 256, .count = l->count};

	if (l->count * 2 < l->room)
		return 0;
	bigger.nodes = calloc(bigger.room, sizeof(*bigger.nodes));
	if (!bigger.nodes)
		return -1;
	for (size_t i = 0; i < l->room; i++)
		if (l->nodes[i])
			*slot(&bigger, l->nodes[i]) = l->nodes[i];
	free(l->nodes);
	*l = bigger;
	return 0;
}

int edit_links_note(struct edit_links *l, const struct walk_step *s, struct err *e)
{
	struct node **p;

	if (!engine_host_linked(s->node))
		return 0;
	if (make_room(l) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	p = slot(l, s->node);
	if (!*p)
		l->count++;
	if (!*p || (!(*p)->record && s->node->record))
		*p = s->node;
	return 0;
}

struct node *edit_links_node(struct edit_links *l, struct node *n)
{
	struct node *known = engine_host_linked(n) && l->room ? *slot(l, n) : NULL;

	return known ? known : n;
}

bool edit_recorded(const struct walk_step *s)
{
	return s->node->record && !s->node->split && (!s->dir || s->dir->record);
}

int edit_links_adopt(struct edit_links *l, struct engine *en, const struct walk_step *s,
	int64_t *id, struct err *e)
{
	/* The name and the record of a file with one name go together already. */
	if (edit_recorded(s) && !engine_host_linked(s->node)) {
		*id = s->node->record;
		return 0;
	}
	return edit_adopt(en, s->dir, s->name, edit_links_node(l, s->node), id, e);
}

static int note_step(void *arg, const struct walk_step *s, struct err *e)
{
	return edit_links_note(arg, s, e);
}

struct adopt_all {
	struct engine *en;
	struct edit_links *links;
	struct node *wanted;
	int64_t id;
};

static int adopt_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct adopt_all *a = arg;

	if (edit_links_node(a->links, s->node) != a->wanted)
		return 0;
	return edit_links_adopt(a->links, a->en, s, &a->id, e);
}

/* The directory that holds the path's last name; NULL with *e untouched for the root. */
static int above(struct engine *en, const char *path, struct node **dir,
	const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dirname = strndup(path, slash ? (size_t)(slash - path) : 0);

	*name = slash ? slash + 1 : path;
	*dir = NULL;
	if (!dirname)
		return err_set(e, ERR_SYS, "out of memory");
	if (*path)
		*dir = engine_find(en, dirname, e);
	free(dirname);
	return *path && !*dir ? -1 : 0;
}

int edit_adopt_path(
	struct engine *en, const char *path, struct node *n, int64_t *id, struct err *e)
{
	struct adopt_all a = {.en = en};
	struct node *dir;
	const char *name;
	int rc;

	if (!engine_host_linked(n) || (n->record && n->nlink >= n->host_nlink))
		return above(en, path, &dir, &name, e) < 0
			       ? -1
			       : edit_adopt(en, dir, name, n, id, e);
	a.links = edit_links_new();
	if (!a.links)
		return err_set(e, ERR_SYS, "out of memory");
	rc = engine_walk(en, en->root, "", note_step, a.links, e);
	a.wanted = edit_links_node(a.links, n);
	if (rc == 0)
		rc = engine_walk(en, en->root, "", adopt_step, &a, e);
	*id = a.id;
	edit_links_free(a.links);
	return rc;
}
