/* SPDX-License-Identifier: MIT */
/*
 * First it is settled for every name of the tree whose data it has, by record number and
 * not by path; then the missing records are made and names written, all of them or those
 * that were chosen. So it does not matter in which order things were moved.
 */
#include "tools/repair.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/edit.h"

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
	struct drift_item *drift; /* that it is about, NULL: none */
	int64_t record;           /* 0: to be made */
	uint32_t parent, /* indexes: its directory; the name whose record it takes; */
		same, keeper; /* and the one that keeps the record of which it gets a copy
			       */
	uint8_t source;
	bool copy;   /* the record is another file's: it gets a copy of it */
	bool stale;  /* the record must learn where the file is */
	bool wanted; /* some chosen name takes its record */
};

struct repair {
	struct engine *en;
	struct drift_list *drift;
	struct name *names; /* in the order of a walk */
	size_t count, room;
	uint32_t *above; /* indexes of the directories that the walk is in */
	size_t depth, depth_room;
	int64_t *orphans; /* records that lost a name, and may have got no other */
	size_t orphan_count;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
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
		.drift = drift_at(r->drift, s->path),
		.record = engine_record(s->node),
		.parent = enter(r, s),
		.same = (uint32_t)r->count,
		.source = engine_split(s->node) ? FROM_SPLIT : FROM_NAME,
	};
	if (!n->record) {
		n->record = drift_moved_to(r->drift, s->path);
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
		first->keeper = (uint32_t)(keeper - r->names);
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

/* Of what shared a record, one part keeps it: it must be clear from now on which. */
static int make_record(struct repair *r, struct name *n, struct err *e)
{
	bool copy = n->copy;

	if (!copy && n->record)
		return n->stale ? refresh_hint(r, n, e) : 0;
	if (edit_make_record(r->en, n->node, n->record, &n->record, e) < 0)
		return -1;
	return copy ? refresh_hint(r, &r->names[n->keeper], e) : 0;
}

static int make_records(struct repair *r, struct err *e)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->names[i].wanted && make_record(r, &r->names[i], e) < 0)
			return -1;
	return 0;
}

static int64_t final_record(const struct repair *r, const struct name *n)
{
	return r->names[n->same].record;
}

static int write_name(struct repair *r, const struct name *n, struct err *e)
{
	const char *text = n->text;

	return !text ? 0
		     : db_name_put(engine_db(r->en),
			       final_record(r, &r->names[n->parent]), text, strlen(text),
			       final_record(r, n), e);
}

static int write_all(struct repair *r, struct err *e)
{
	struct db *db = engine_db(r->en);

	for (size_t i = 0; i < r->count; i++)
		r->names[r->names[i].same].wanted = true;
	if (make_records(r, e) < 0 || db_names_clear(db, e) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++)
		if (write_name(r, &r->names[i], e) < 0)
			return -1;
	return db_drop_unnamed(db, e);
}

static bool is_chosen(const struct name *n)
{
	return n->drift && n->drift->chosen;
}

/*
 * Names of one file that no longer shares a record get their copy together. Choosing one
 * may choose more.
 */
static void choose_copies(struct repair *r)
{
	bool more;

	do {
		more = false;
		for (size_t i = 0; i < r->count; i++)
			if (is_chosen(&r->names[i]))
				r->names[r->names[i].same].wanted = true;
		for (size_t i = 0; i < r->count; i++) {
			const struct name *n = &r->names[i];
			const struct name *same = &r->names[n->same];

			if (!same->wanted || !same->copy || !n->drift || is_chosen(n))
				continue;
			drift_choose(r->drift, n->drift);
			more = !r->drift->no_memory;
		}
	} while (more);
}

/* Names of chosen items that the database has and that will be others, or none. */
static int unlink_names(struct repair *r, struct err *e)
{
	r->orphans = calloc(r->drift->count, sizeof(*r->orphans));
	if (!r->orphans)
		return no_memory(e);
	for (size_t i = 0; i < r->drift->count; i++) {
		const struct drift_item *item = &r->drift->items[i];
		const char *slash = strrchr(item->d.path, '/');
		const char *name = slash ? slash + 1 : item->d.path;
		int64_t *orphan = &r->orphans[r->orphan_count];

		if (!item->chosen || !item->d.parent)
			continue;
		if (db_name_unlink(engine_db(r->en), item->d.parent, name, strlen(name),
			    orphan, e) < 0)
			return -1;
		r->orphan_count += *orphan != 0;
	}
	return 0;
}

static int drop_orphans(struct repair *r, struct err *e)
{
	struct db *db = engine_db(r->en);

	for (size_t i = 0; i < r->orphan_count; i++) {
		int64_t names = db_name_count(db, r->orphans[i], e);

		if (names < 0 || (names == 0 && db_record_drop(db, r->orphans[i], e) < 0))
			return -1;
	}
	return 0;
}

/* No record loses its last name before all that were chosen have theirs. */
static int write_chosen(struct repair *r, struct err *e)
{
	choose_copies(r);
	if (r->drift->no_memory)
		return no_memory(e);
	if (make_records(r, e) < 0 || unlink_names(r, e) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++)
		if (is_chosen(&r->names[i]) && write_name(r, &r->names[i], e) < 0)
			return -1;
	return drop_orphans(r, e);
}

static bool any_chosen(const struct drift_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].chosen)
			return true;
	return false;
}

static int repair(struct repair *r, const struct drift_scope *s, struct err *e)
{
	if (drift_list_read(r->drift, r->en, e) < 0)
		return -1;
	drift_choose_scope(r->drift, s);
	if (r->drift->no_memory)
		return no_memory(e);
	if (!any_chosen(r->drift))
		return 0;
	if (engine_walk(r->en, engine_root(r->en), "", plan_step, r, e) < 0 ||
		settle(r, &by_records, e) < 0 || settle(r, &by_files, e) < 0)
		return -1;
	return s->count ? write_chosen(r, e) : write_all(r, e);
}

int repair_tree(struct engine *en, const struct drift_scope *s, struct drift_list *drift,
	struct err *e)
{
	struct repair r = {.en = en, .drift = drift};
	int rc = repair(&r, s, e);

	free(r.names);
	free(r.above);
	free(r.orphans);
	return rc;
}

const char *repair_done(enum drift_kind kind)
{
	static const char *const done[DRIFT_KINDS] = {
		[DRIFT_UNRECORDED] = "recorded",
		[DRIFT_GONE] = "dropped from the database",
		[DRIFT_REPLACED] = "its record replaced",
		[DRIFT_MOVED] = "its record follows",
		[DRIFT_SPLIT] = "given a copy of the record",
	};

	return done[kind];
}
