/* SPDX-License-Identifier: MIT */
/*
 * First it is settled for every name of the tree whose data it has, by record number and
 * not by path; then the missing records are made and all names written. So it does not
 * matter in which order things were moved.
 */
#include "tools/repair.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/edit.h"

struct move {
	char *to;
	int64_t record;
};

/* Where a name has its record from. Of several names the lowest keeps it. */
enum source {
	FROM_NAME,
	FROM_SPLIT, /* by name too, but another file has that record already */
	FROM_MOVE,
	FROM_NOTHING,
};

struct name {
	const char *text; /* NULL: the root */
	struct node *node;
	int64_t record; /* 0: to be made */
	uint32_t parent,
		same; /* indexes: its directory; the name whose record it takes */
	uint8_t source;
	bool copy;  /* the record is another file's: it gets a copy of it */
	bool stale; /* the record must learn where the file is */
};

struct repair {
	struct engine *en;
	void (*fn)(void *arg, const struct drift *d);
	void *arg;
	int told;
	bool no_memory;
	struct move *moves; /* sorted by to */
	size_t move_count, move_room;
	struct name *names; /* in the order of a walk */
	size_t count, room;
	uint32_t *above; /* indexes of the directories that the walk is in */
	size_t depth, depth_room;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static void collect(void *arg, const struct drift *d)
{
	struct repair *r = arg;
	struct move *p;

	r->told++;
	r->fn(r->arg, d);
	if (d->kind != DRIFT_MOVED)
		return;
	p = array_grow(r->moves, r->move_count, &r->move_room, sizeof(*p));
	if (p) {
		r->moves = p;
		p += r->move_count;
		*p = (struct move){strdup(d->to), d->record};
		r->move_count += p->to != NULL;
	}
	r->no_memory |= !p || !p->to;
}

static int by_target(const void *x, const void *y)
{
	const struct move *a = x, *b = y;

	return strcmp(a->to, b->to);
}

static int at_target(const void *key, const void *elem)
{
	return strcmp(key, ((const struct move *)elem)->to);
}

static int64_t moved_to(const struct repair *r, const char *path)
{
	const struct move *m = NULL;

	if (r->move_count)
		m = bsearch(path, r->moves, r->move_count, sizeof(*m), at_target);
	return m ? m->record : 0;
}

/* The index of the directory that holds a step's name; the root's own for the root. */
static uint32_t enter(struct repair *r, const struct walk_step *s)
{
	while (r->depth && r->names[r->above[r->depth - 1]].node != s->dir)
		r->depth--;
	return r->depth ? r->above[r->depth - 1] : 0;
}

static int plan_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct repair *r = arg;
	struct name *n = array_grow(r->names, r->count, &r->room, sizeof(*n));
	uint32_t *above;

	if (!n || r->count == UINT32_MAX)
		return no_memory(e);
	r->names = n;
	n += r->count;
	*n = (struct name){
		.text = s->dir ? s->name : NULL,
		.node = s->node,
		.record = engine_record(s->node),
		.parent = enter(r, s),
		.same = (uint32_t)r->count,
		.source = engine_split(s->node) ? FROM_SPLIT : FROM_NAME,
	};
	if (!n->record) {
		n->record = moved_to(r, s->path);
		n->source = n->record ? FROM_MOVE : FROM_NOTHING;
	}
	if (engine_is_dir(s->node)) {
		above = array_grow(r->above, r->depth, &r->depth_room, sizeof(*above));
		if (!above)
			return no_memory(e);
		r->above = above;
		above[r->depth++] = (uint32_t)r->count;
	}
	r->count++;
	return 0;
}

static const struct name *name_at(const void *p)
{
	return *(const struct name *const *)p;
}

static int compare_files(const struct name *a, const struct name *b)
{
	struct db_hint x, y;

	if (a->node == b->node)
		return 0;
	engine_hint(a->node, &x);
	engine_hint(b->node, &y);
	if (x.ino != y.ino)
		return x.ino < y.ino ? -1 : 1;
	return x.dev < y.dev ? -1 : x.dev > y.dev;
}

static int compare_rank(const struct name *a, const struct name *b)
{
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int by_file(const void *x, const void *y)
{
	int c = compare_files(name_at(x), name_at(y));

	return c ? c : compare_rank(name_at(x), name_at(y));
}

static int by_record(const void *x, const void *y)
{
	const struct name *a = name_at(x), *b = name_at(y);

	if (a->record != b->record)
		return a->record < b->record ? -1 : 1;
	return by_file(x, y);
}

static bool has_record(const struct name *n)
{
	return n->record != 0;
}

static bool same_record(const struct name *a, const struct name *b)
{
	return a->record == b->record;
}

/* The file with the best name keeps the record, each other file gets a copy. */
static void settle_record(struct repair *r, struct name **names, size_t count)
{
	struct name *first = names[0], *keeper = names[0];

	for (size_t i = 1; i < count; i++)
		if (compare_rank(names[i], keeper) < 0)
			keeper = names[i];
	keeper->stale = keeper->source == FROM_MOVE;
	for (size_t i = 0; i < count; i++) {
		if (compare_files(first, names[i]) != 0)
			first = names[i];
		names[i]->same = (uint32_t)(first - r->names);
		first->copy = compare_files(first, keeper) != 0;
		keeper->stale |= first->copy;
	}
}

static bool may_share(const struct name *n)
{
	return n->source == FROM_NOTHING || engine_host_linked(n->node);
}

static bool same_file(const struct name *a, const struct name *b)
{
	return compare_files(a, b) == 0;
}

/* Names without a record take the one of the file's best name. */
static void settle_file(struct repair *r, struct name **names, size_t count)
{
	(void)r;
	for (size_t i = 1; i < count; i++)
		if (names[i]->source == FROM_NOTHING)
			names[i]->same = names[0]->same;
}

struct settling {
	bool (*wanted)(const struct name *n);
	int (*order)(const void *x, const void *y);
	bool (*together)(const struct name *a, const struct name *b);
	void (*settle)(struct repair *r, struct name **names, size_t count);
};

static const struct settling by_records = {
	has_record, by_record, same_record, settle_record};
static const struct settling by_files = {may_share, by_file, same_file, settle_file};

static int settle(struct repair *r, const struct settling *how, struct err *e)
{
	cleanup_free struct name **sorted = calloc(r->count, sizeof(*sorted));
	size_t count = 0, end;

	if (!sorted)
		return no_memory(e);
	for (size_t i = 0; i < r->count; i++)
		if (how->wanted(&r->names[i]))
			sorted[count++] = &r->names[i];
	qsort(sorted, count, sizeof(struct name *), how->order);
	for (size_t i = 0; i < count; i = end) {
		end = i + 1;
		while (end < count && how->together(sorted[i], sorted[end]))
			end++;
		how->settle(r, sorted + i, end - i);
	}
	return 0;
}

static int refresh_hint(struct repair *r, const struct name *n, struct err *e)
{
	struct db *db = engine_db(r->en);
	struct db_record record;
	int rc = db_record_get(db, n->record, &record, e);

	if (rc <= 0)
		return rc;
	engine_hint(n->node, &record.hint);
	return db_record_put(db, &record, e);
}

static int make_records(struct repair *r, struct err *e)
{
	for (size_t i = 0; i < r->count; i++) {
		struct name *n = &r->names[i];
		int rc = 0;

		if (n->same != i)
			continue;
		if (n->copy || !n->record)
			rc = edit_make_record(r->en, n->node, n->record, &n->record, e);
		else if (n->stale)
			rc = refresh_hint(r, n, e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int64_t final_record(const struct repair *r, const struct name *n)
{
	return r->names[n->same].record;
}

static int write_names(struct repair *r, struct err *e)
{
	struct db *db = engine_db(r->en);

	if (db_names_clear(db, e) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++) {
		const struct name *n = &r->names[i];

		if (n->text &&
			db_name_put(db, final_record(r, &r->names[n->parent]), n->text,
				strlen(n->text), final_record(r, n), e) < 0)
			return -1;
	}
	return db_drop_unnamed(db, e);
}

static int repair(struct repair *r, struct err *e)
{
	if (drift_find(r->en, collect, r, e) < 0)
		return -1;
	if (r->no_memory)
		return no_memory(e);
	if (!r->told)
		return 0;
	if (r->move_count)
		qsort(r->moves, r->move_count, sizeof(*r->moves), by_target);
	if (engine_walk(r->en, engine_root(r->en), "", plan_step, r, e) < 0 ||
		settle(r, &by_records, e) < 0 || settle(r, &by_files, e) < 0 ||
		make_records(r, e) < 0)
		return -1;
	return write_names(r, e);
}

int repair_tree(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e)
{
	struct repair r = {.en = en, .fn = fn, .arg = arg};
	int rc = repair(&r, e);

	for (size_t i = 0; i < r.move_count; i++)
		free(r.moves[i].to);
	free(r.moves);
	free(r.names);
	free(r.above);
	return rc < 0 ? -1 : r.told;
}
