/* SPDX-License-Identifier: MIT */
#include "tools/drift.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/walk.h"

struct item {
	enum drift_kind kind;
	bool hidden; /* gone, but that is only told if it is found elsewhere */
	char *path;
	int64_t parent,
		record;     /* of a name in the database; the record of what is gone */
	struct item *match; /* what is gone, and where it is now: each other */
	uint32_t mode;      /* of what is gone: the record's type */
	uint64_t size;
	struct db_hint hint;
};

struct finder {
	struct engine *en;
	struct item *items;
	size_t count, room;
	struct err *e;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

const char *drift_name(enum drift_kind kind)
{
	static const char *const names[DRIFT_KINDS] = {
		[DRIFT_UNRECORDED] = "unrecorded",
		[DRIFT_GONE] = "gone",
		[DRIFT_REPLACED] = "replaced",
		[DRIFT_MOVED] = "moved",
		[DRIFT_SPLIT] = "split",
	};

	return names[kind];
}

static struct item *add(struct finder *f, enum drift_kind kind, const char *path)
{
	struct item *i;

	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 64;

		i = reallocarray(f->items, room, sizeof(*i));
		if (!i)
			goto no_memory;
		f->items = i;
		f->room = room;
	}
	i = &f->items[f->count];
	*i = (struct item){.kind = kind, .path = strdup(path)};
	if (!i->path)
		goto no_memory;
	f->count++;
	return i;
no_memory:
	no_memory(f->e);
	return NULL;
}

/* A name without its file; all names below a directory are gone with it. */
struct gone {
	struct gone *next;
	int64_t record;
	char *path;
};

struct gone_arg {
	struct finder *f;
	struct gone **queue;
	const char *dir;
	int64_t parent;
	bool hidden;
};

/* What is below a directory; one with several names is damage, and may be a cycle. */
static int enqueue(struct gone_arg *a, const char *path, const struct db_record *r)
{
	struct gone *g;

	if (r->type != S_IFDIR || r->names > 1 || r->id == DB_ROOT)
		return 0;
	g = malloc(sizeof(*g));
	if (!g)
		return no_memory(a->f->e);
	*g = (struct gone){*a->queue, r->id, strdup(path)};
	*a->queue = g;
	return g->path ? 0 : no_memory(a->f->e);
}

static int add_gone(struct gone_arg *a, const char *path, const struct db_record *r)
{
	struct item *i = add(a->f, DRIFT_GONE, path);

	if (!i)
		return -1;
	i->hidden = a->hidden;
	i->parent = a->parent;
	i->record = r->id;
	i->mode = r->type;
	i->hint = r->hint;
	return enqueue(a, path, r);
}

static int add_gone_child(
	void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct gone_arg *a = arg;
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s%s%.*s", a->dir, *a->dir ? "/" : "", (int)len, name) < 0) {
		path = NULL;
		return no_memory(a->f->e);
	}
	return add_gone(a, path, r);
}

/* What is below the directories in the queue; empties it. */
static int drain(struct finder *f, struct gone **queue, bool hidden, int rc)
{
	while (*queue) {
		struct gone *g = *queue;
		struct gone_arg a = {f, queue, g->path, g->record, hidden};

		*queue = g->next;
		if (rc == 0)
			rc = db_children(
				engine_db(f->en), g->record, add_gone_child, &a, f->e);
		free(g->path);
		free(g);
	}
	return rc;
}

struct compare {
	struct gone_arg gone;
	const struct entry *entries;
	size_t count;
	struct gone *queue;
};

static int by_name(const void *key, const void *elem)
{
	return strcmp(key, ((const struct entry *)elem)->name);
}

static int compare_child(
	void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct compare *c = arg;
	char text[DB_NAME_MAX + 1];

	memcpy(text, name, len);
	text[len] = '\0';
	if (c->count && bsearch(text, c->entries, c->count, sizeof(*c->entries), by_name))
		return 0;
	return add_gone_child(&c->gone, name, len, r);
}

/* Records of this directory without a file. */
static int compare_dir(struct finder *f, struct node *dir, const char *path)
{
	struct compare c = {.gone = {.f = f, .dir = path, .parent = engine_record(dir)}};
	int rc;

	c.gone.queue = &c.queue;
	if (!engine_record(dir))
		return 0;
	if (engine_list(f->en, dir, &c.entries, &c.count, f->e) < 0)
		return -1;
	rc = db_children(engine_db(f->en), engine_record(dir), compare_child, &c, f->e);
	return drain(f, &c.queue, false, rc);
}

/*
 * The database may have a record under this name that was not used. Its file, and those
 * of all below it, may be elsewhere now.
 */
static int find_unrecorded(struct finder *f, const struct walk_step *s)
{
	struct gone *queue = NULL;
	struct gone_arg a = {.f = f, .queue = &queue, .hidden = true};
	struct db_record r;
	struct stat st;
	struct item *i;
	int rc = 0;

	a.parent = s->dir ? engine_record(s->dir) : 0;
	if (a.parent)
		rc = db_name_get(
			engine_db(f->en), a.parent, s->name, strlen(s->name), &r, f->e);
	if (rc < 0)
		return -1;
	i = add(f, rc ? DRIFT_REPLACED : DRIFT_UNRECORDED, s->path);
	if (!i)
		return -1;
	i->parent = rc ? a.parent : 0;
	engine_stat(f->en, s->node, &st);
	engine_hint(s->node, &i->hint);
	i->mode = st.st_mode;
	i->size = (uint64_t)st.st_size;
	return rc ? drain(f, &queue, true, add_gone(&a, s->path, &r)) : 0;
}

static int find_split(struct finder *f, const struct walk_step *s)
{
	struct item *i = add(f, DRIFT_SPLIT, s->path);

	if (i && s->dir)
		i->parent = engine_record(s->dir);
	return i ? 0 : -1;
}

static int find_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct finder *f = arg;
	int rc = 0;

	f->e = e;
	if (engine_split(s->node))
		rc = find_split(f, s);
	else if (!engine_record(s->node))
		rc = find_unrecorded(f, s);
	if (rc == 0 && engine_is_dir(s->node))
		rc = compare_dir(f, s->node, s->path);
	return rc;
}

/* What is gone, or was found without a record: pointers to items, in some order. */
struct sorted {
	struct item **items;
	size_t count;
};

static const struct item *item_at(const void *p)
{
	return *(const struct item *const *)p;
}

static int compare_hints(const struct item *a, const struct item *b)
{
	if (a->hint.ino != b->hint.ino)
		return a->hint.ino < b->hint.ino ? -1 : 1;
	if (a->hint.dev != b->hint.dev)
		return a->hint.dev < b->hint.dev ? -1 : 1;
	if (a->hint.btime != b->hint.btime)
		return a->hint.btime < b->hint.btime ? -1 : 1;
	return 0;
}

static int by_path(const void *x, const void *y)
{
	return strcmp(item_at(x)->path, item_at(y)->path);
}

static int by_hint(const void *x, const void *y)
{
	int c = compare_hints(item_at(x), item_at(y));

	return c ? c : by_path(x, y);
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Where a name was: its directory's record, and the name. */
static int by_place(const void *x, const void *y)
{
	const struct item *a = item_at(x), *b = item_at(y);

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return strcmp(last_name(a->path), last_name(b->path));
}

static bool is_gone(const struct item *i)
{
	return i->kind == DRIFT_GONE;
}

static bool is_found(const struct item *i)
{
	return i->kind == DRIFT_UNRECORDED || i->kind == DRIFT_REPLACED;
}

static int sort_by_hint(
	struct finder *f, bool (*wanted)(const struct item *i), struct sorted *out)
{
	out->items = calloc(f->count + 1, sizeof(struct item *));
	if (!out->items)
		return no_memory(f->e);
	for (size_t i = 0; i < f->count; i++)
		if (wanted(&f->items[i]))
			out->items[out->count++] = &f->items[i];
	qsort(out->items, out->count, sizeof(struct item *), by_hint);
	return 0;
}

static bool match(struct item *gone, struct item *found)
{
	if (!engine_type_holds(gone->mode, found->mode, found->size))
		return false;
	gone->match = found;
	found->match = gone;
	return true;
}

/*
 * A file with the inode and birth time of one that is gone is that one, moved. Where
 * several names of one file were moved, the first one's new name is taken to be the
 * bytewise first.
 */
static void match_hints(struct sorted *gone, struct sorted *found)
{
	size_t g = 0, u = 0;

	while (g < gone->count && u < found->count) {
		int c = compare_hints(gone->items[g], found->items[u]);

		if (c > 0 || !found->items[u]->hint.ino || !found->items[u]->hint.btime)
			u++;
		else if (c < 0)
			g++;
		else
			u += match(gone->items[g++], found->items[u]);
	}
}

struct dirname {
	const char *path;
	size_t len;
};

static int by_dirname(const void *key, const void *elem)
{
	const struct dirname *d = key;
	const struct item *i = item_at(elem);
	int c = strncmp(d->path, i->path, d->len);

	return c ? c : i->path[d->len] ? -1 : 0;
}

/* In a directory that was moved, a name stands for its record as it did before. */
static void match_names(struct sorted *gone, struct sorted *found)
{
	for (size_t i = 0; i < found->count; i++) {
		struct item *u = found->items[i];
		const char *slash = strrchr(u->path, '/');
		struct dirname d = {u->path, slash ? (size_t)(slash - u->path) : 0};
		struct item place = {.path = u->path}, *key = &place;
		struct item **p = NULL;

		if (slash && !u->match)
			p = bsearch(&d, found->items, i, sizeof(*p), by_dirname);
		if (!p || !(*p)->match)
			continue;
		place.parent = (*p)->match->record;
		p = bsearch(&key, gone->items, gone->count, sizeof(*p), by_place);
		if (p && !(*p)->match)
			match(*p, u);
	}
}

static int match_moves(struct finder *f)
{
	struct sorted gone = {0}, found = {0};
	int rc = -1;

	if (sort_by_hint(f, is_gone, &gone) == 0 &&
		sort_by_hint(f, is_found, &found) == 0) {
		match_hints(&gone, &found);
		qsort(gone.items, gone.count, sizeof(*gone.items), by_place);
		qsort(found.items, found.count, sizeof(*found.items), by_path);
		match_names(&gone, &found);
		rc = 0;
	}
	free(gone.items);
	free(found.items);
	return rc;
}

static bool told(const struct item *i)
{
	if (i->kind == DRIFT_GONE)
		return i->match || !i->hidden;
	return i->kind != DRIFT_UNRECORDED || !i->match;
}

static enum drift_kind told_kind(const struct item *i)
{
	return i->kind == DRIFT_GONE && i->match ? DRIFT_MOVED : i->kind;
}

static int by_kind(const void *x, const void *y)
{
	enum drift_kind a = told_kind(item_at(x)), b = told_kind(item_at(y));

	return a != b ? (a < b ? -1 : 1) : by_path(x, y);
}

static int tell(struct finder *f, void (*fn)(void *arg, const struct drift *d), void *arg)
{
	struct item **list = calloc(f->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return no_memory(f->e);
	for (size_t i = 0; i < f->count; i++)
		if (told(&f->items[i]))
			list[count++] = &f->items[i];
	qsort(list, count, sizeof(*list), by_kind);
	for (size_t i = 0; i < count; i++) {
		struct drift d = {.kind = told_kind(list[i]),
			.path = list[i]->path,
			.record = list[i]->record,
			.parent = list[i]->parent};

		if (d.kind == DRIFT_MOVED)
			d.to = list[i]->match->path;
		fn(arg, &d);
	}
	free(list);
	return 0;
}

int drift_find(struct engine *en, void (*fn)(void *arg, const struct drift *d), void *arg,
	struct err *e)
{
	struct finder f = {.en = en, .e = e};
	int rc = engine_walk(en, engine_root(en), "", find_step, &f, e);

	f.e = e;
	if (rc == 0)
		rc = match_moves(&f);
	if (rc == 0)
		rc = tell(&f, fn, arg);
	for (size_t i = 0; i < f.count; i++)
		free(f.items[i].path);
	free(f.items);
	return rc;
}
