/* SPDX-License-Identifier: MIT */
#include "tools/repair.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/edit.h"

struct moved {
	char *from, *to; /* to is NULL for what is gone */
};

struct repair {
	struct engine *en;
	void (*fn)(void *arg, const struct drift *d);
	void *arg;
	struct moved *items;
	size_t count;
	enum drift_kind wanted; /* that items are made of */
	bool no_memory;
	int told;
};

/* The database must not change while drift is looked for: what is to be done is kept. */
static void collect(void *arg, const struct drift *d)
{
	struct repair *r = arg;
	struct moved *p;

	if (d->kind != r->wanted) {
		/* The walk that adopts everything settles these. */
		if (r->wanted == DRIFT_GONE && d->kind != DRIFT_MOVED) {
			r->told++;
			r->fn(r->arg, d);
		}
		return;
	}
	p = reallocarray(r->items, r->count + 1, sizeof(*p));
	if (!p) {
		r->no_memory = true;
		return;
	}
	r->items = p;
	p[r->count] = (struct moved){strdup(d->path), d->to ? strdup(d->to) : NULL};
	r->no_memory |= !p[r->count].from || (d->to && !p[r->count].to);
	r->count++;
}

static void tell(struct repair *r, enum drift_kind kind, const struct moved *m)
{
	struct drift d = {kind, m->from, m->to};

	r->told++;
	r->fn(r->arg, &d);
}

/* The record of the directory that a path is in, made where there is none. */
static int parent_record(struct engine *en, const char *path, int64_t *id, struct err *e)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);
	struct node *n = dir ? engine_find(en, dir, e) : NULL;

	if (!dir)
		return err_set(e, ERR_SYS, "out of memory");
	return n ? edit_adopt_path(en, dir, n, id, e) : -1;
}

static int move_one(struct repair *r, const struct moved *m, struct err *e)
{
	struct db *db = engine_db(r->en);
	const char *slash = strrchr(m->to, '/');
	const char *to_name = slash ? slash + 1 : m->to;
	int64_t from, to;
	const char *name;
	struct db_record rec;
	int rc = db_path_get(db, m->from, &from, &name, &rec, e);

	if (rc < 0)
		return -1;
	/* Not there any more: it went along with the directory that it is in. */
	if (rc == 1) {
		if (parent_record(r->en, m->to, &to, e) < 0 ||
			db_name_move(db, from, name, strlen(name), to, to_name,
				strlen(to_name), e) < 0)
			return -1;
	}
	tell(r, DRIFT_MOVED, m);
	return 0;
}

static int drop_one(struct repair *r, const struct moved *m, struct err *e)
{
	struct db *db = engine_db(r->en);
	int64_t parent;
	const char *name;
	struct db_record rec;
	int rc = db_path_get(db, m->from, &parent, &name, &rec, e);

	if (rc < 0 || (rc == 1 && db_name_drop(db, parent, name, strlen(name), e) < 0))
		return -1;
	tell(r, DRIFT_GONE, m);
	return 0;
}

static int settle(struct repair *r, enum drift_kind kind,
	int (*one)(struct repair *r, const struct moved *m, struct err *e), struct err *e)
{
	int rc;

	r->wanted = kind;
	rc = drift_find(r->en, collect, r, e);
	if (rc == 0 && r->no_memory)
		rc = err_set(e, ERR_SYS, "out of memory");
	for (size_t i = 0; i < r->count; i++) {
		if (rc == 0)
			rc = one(r, &r->items[i], e);
		free(r->items[i].from);
		free(r->items[i].to);
	}
	free(r->items);
	r->items = NULL;
	r->count = 0;
	return rc;
}

int repair_moved(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e)
{
	struct repair r = {.en = en, .fn = fn, .arg = arg};

	return settle(&r, DRIFT_MOVED, move_one, e) < 0 ? -1 : r.told;
}

static int note_step(void *arg, const struct walk_step *s, struct err *e)
{
	return edit_links_note(arg, s, e);
}

struct adoption {
	struct engine *en;
	struct edit_links *links;
};

static int adopt_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct adoption *a = arg;
	int64_t id;

	return edit_links_adopt(a->links, a->en, s, &id, e);
}

static int adopt_all(struct engine *en, struct err *e)
{
	struct adoption a = {en, edit_links_new()};
	int rc = a.links ? 0 : err_set(e, ERR_SYS, "out of memory");

	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", note_step, a.links, e);
	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", adopt_step, &a, e);
	edit_links_free(a.links);
	return rc;
}

int repair_rest(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e)
{
	struct repair r = {.en = en, .fn = fn, .arg = arg};

	if (settle(&r, DRIFT_GONE, drop_one, e) < 0 || adopt_all(en, e) < 0)
		return -1;
	return r.told;
}
