/* SPDX-License-Identifier: MIT */
#include "tools/drift.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/walk.h"

struct item {
	enum drift_kind kind;
	char *path;
	char *to;
	uint32_t type;
	struct db_hint hint;
};

struct finder {
	struct engine *en;
	struct item *items;
	size_t count, room;
	struct err *e;
	/* The directory that is compared. */
	const char *path;
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

static int add(struct finder *f, enum drift_kind kind, const char *path, uint32_t type,
	const struct db_hint *hint)
{
	struct item *i;

	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 64;

		i = reallocarray(f->items, room, sizeof(*i));
		if (!i)
			return no_memory(f->e);
		f->items = i;
		f->room = room;
	}
	i = &f->items[f->count];
	*i = (struct item){
		.kind = kind, .path = strdup(path), .type = type, .hint = *hint};
	if (!i->path)
		return no_memory(f->e);
	f->count++;
	return 0;
}

/* All names below a record that has no file any more are gone with it. */
struct gone {
	struct gone *next;
	int64_t record;
	char *path;
};

struct gone_arg {
	struct finder *f;
	struct gone **queue;
	const char *dir;
};

static int add_gone(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct gone_arg *a = arg;
	cleanup_free char *path = NULL;
	struct gone *g;

	if (asprintf(&path, "%s%s%.*s", a->dir, *a->dir ? "/" : "", (int)len, name) < 0) {
		path = NULL;
		return no_memory(a->f->e);
	}
	if (add(a->f, DRIFT_GONE, path, r->type, &r->hint) < 0)
		return -1;
	if (r->type != S_IFDIR)
		return 0;
	g = malloc(sizeof(*g));
	if (!g)
		return no_memory(a->f->e);
	*g = (struct gone){*a->queue, r->id, take_ptr(path)};
	*a->queue = g;
	return 0;
}

static int drain(struct finder *f, struct gone **queue)
{
	int rc = 0;

	while (*queue) {
		struct gone *g = *queue;
		struct gone_arg a = {f, queue, g->path};

		*queue = g->next;
		/* A cycle in a damaged database must end too. */
		if (rc == 0 && strlen(g->path) < 1 << 20)
			rc = db_children(engine_db(f->en), g->record, add_gone, &a, f->e);
		free(g->path);
		free(g);
	}
	return rc;
}

struct compare {
	struct finder *f;
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
	struct gone_arg a = {c->f, &c->queue, c->f->path};

	memcpy(text, name, len);
	text[len] = '\0';
	if (c->count && bsearch(text, c->entries, c->count, sizeof(*c->entries), by_name))
		return 0;
	return add_gone(&a, name, len, r);
}

/* Records of this directory without a file. */
static int compare_dir(struct finder *f, struct node *dir, const char *path)
{
	struct compare c = {.f = f};
	int rc;

	f->path = path;
	if (!engine_record(dir))
		return 0;
	if (engine_list(f->en, dir, &c.entries, &c.count, f->e) < 0)
		return -1;
	rc = db_children(engine_db(f->en), engine_record(dir), compare_child, &c, f->e);
	if (drain(f, &c.queue) < 0)
		rc = -1;
	return rc;
}

/* Whether the database has a record under this name that was not used. */
static int replaced(struct finder *f, const struct walk_step *s)
{
	struct db_record r;

	if (!s->dir || !engine_record(s->dir))
		return 0;
	return db_name_get(engine_db(f->en), engine_record(s->dir), s->name,
		strlen(s->name), &r, f->e);
}

static int find_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct finder *f = arg;
	struct db_hint hint;
	struct stat st;
	int rc = 0;

	f->e = e;
	engine_hint(s->node, &hint);
	engine_stat(f->en, s->node, &st);
	if (engine_split(s->node)) {
		rc = add(f, DRIFT_SPLIT, s->path, st.st_mode & S_IFMT, &hint);
	} else if (!engine_record(s->node)) {
		rc = replaced(f, s);
		if (rc >= 0)
			rc = add(f, rc ? DRIFT_REPLACED : DRIFT_UNRECORDED, s->path,
				st.st_mode & S_IFMT, &hint);
	}
	if (rc == 0 && engine_is_dir(s->node))
		rc = compare_dir(f, s->node, s->path);
	return rc;
}

static int by_hint(const void *x, const void *y)
{
	const struct item *a = *(const struct item *const *)x;
	const struct item *b = *(const struct item *const *)y;

	if (a->hint.ino != b->hint.ino)
		return a->hint.ino < b->hint.ino ? -1 : 1;
	if (a->hint.dev != b->hint.dev)
		return a->hint.dev < b->hint.dev ? -1 : 1;
	if (a->hint.btime != b->hint.btime)
		return a->hint.btime < b->hint.btime ? -1 : 1;
	/* A record that is gone comes before the file that it may be. */
	if (a->kind != b->kind)
		return a->kind == DRIFT_GONE ? -1 : 1;
	return strcmp(a->path, b->path);
}

static bool same_place(const struct item *gone, const struct item *found)
{
	return gone->kind == DRIFT_GONE && found->kind == DRIFT_UNRECORDED &&
	       gone->hint.ino && gone->hint.btime && gone->hint.ino == found->hint.ino &&
	       gone->hint.dev == found->hint.dev &&
	       gone->hint.btime == found->hint.btime &&
	       (gone->type == found->type ||
		       (found->type == S_IFREG &&
			       (gone->type == S_IFCHR || gone->type == S_IFBLK)));
}

/* A file with the inode and birth time of one that is gone is that one, moved. */
static int match_moves(struct finder *f)
{
	cleanup_free struct item **sorted = calloc(f->count + 1, sizeof(*sorted));
	size_t kept = 0;

	if (!sorted)
		return no_memory(f->e);
	for (size_t i = 0; i < f->count; i++)
		sorted[i] = &f->items[i];
	qsort(sorted, f->count, sizeof(*sorted), by_hint);
	for (size_t i = 0; i + 1 < f->count; i++) {
		if (!same_place(sorted[i], sorted[i + 1]))
			continue;
		sorted[i]->kind = DRIFT_MOVED;
		sorted[i]->to = take_ptr(sorted[i + 1]->path);
		i++;
	}
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].path)
			f->items[kept++] = f->items[i];
	f->count = kept;
	return 0;
}

static int by_path(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->path, b->path);
}

int drift_find(struct engine *en, void (*fn)(void *arg, const struct drift *d), void *arg,
	struct err *e)
{
	struct finder f = {.en = en, .e = e};
	int rc = engine_walk(en, engine_root(en), "", find_step, &f, e);

	if (rc == 0)
		rc = match_moves(&f);
	if (rc == 0 && f.count)
		qsort(f.items, f.count, sizeof(*f.items), by_path);
	for (size_t i = 0; i < f.count; i++) {
		struct drift d = {f.items[i].kind, f.items[i].path, f.items[i].to};

		if (rc == 0)
			fn(arg, &d);
		free(f.items[i].path);
		free(f.items[i].to);
	}
	free(f.items);
	return rc;
}
