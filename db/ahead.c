/* SPDX-License-Identifier: MIT */
/*
 * All names and records at once, for who will want them all: two scans of the file in
 * its own order in place of a search a name. What is not as it should be is left to the
 * statements of name.c, which say so: then nothing is kept here.
 */
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buf.h"
#include "db/internal.h"

struct ahead_name {
	int64_t parent;
	size_t text; /* where in texts */
	uint32_t len;
	uint32_t record; /* index */
};

struct db_ahead {
	struct db_record *records; /* by id */
	size_t record_count, record_room;
	struct ahead_name *names; /* by parent, then bytewise */
	size_t name_count, name_room;
	struct buf texts;
};

enum {
	ODD = 1
}; /* 0 fine, -1 error */

void db_ahead_free(struct db *db)
{
	struct db_ahead *a = db->ahead;

	db->ahead = NULL;
	if (!a)
		return;
	free(a->records);
	free(a->names);
	buf_free(&a->texts);
	free(a);
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static int by_id(const void *key, const void *elem)
{
	int64_t a = *(const int64_t *)key;
	int64_t b = ((const struct db_record *)elem)->id;

	return a < b ? -1 : a > b;
}

static struct db_record *find_record(const struct db_ahead *a, int64_t id)
{
	/* As a rule no number is missing. */
	if (id >= 1 && (uint64_t)id <= a->record_count && a->records[id - 1].id == id)
		return &a->records[id - 1];
	if (!a->record_count)
		return NULL;
	return bsearch(&id, a->records, a->record_count, sizeof(*a->records), by_id);
}

static int add_record(struct db *db, struct db_ahead *a, sqlite3_stmt *s, struct err *e)
{
	struct err ignored;
	struct db_record *r =
		array_grow(a->records, a->record_count, &a->record_room, sizeof(*r));

	if (!r)
		return no_memory(e);
	a->records = r;
	r += a->record_count;
	if (db_record_from_row(db, s, 0, r, &ignored) < 0)
		return ODD;
	if (a->record_count && r[-1].id >= r->id)
		return ODD;
	a->record_count++;
	return 0;
}

static bool in_order(const struct db_ahead *a, const struct ahead_name *n,
	const struct ahead_name *next)
{
	uint32_t len = n->len < next->len ? n->len : next->len;
	int c;

	if (n->parent != next->parent)
		return n->parent < next->parent;
	c = memcmp(a->texts.data + n->text, a->texts.data + next->text, len);
	return c ? c < 0 : n->len < next->len;
}

static int add_name(struct db *db, struct db_ahead *a, sqlite3_stmt *s, struct err *e)
{
	struct ahead_name *n =
		array_grow(a->names, a->name_count, &a->name_room, sizeof(*n));
	struct db_record *r = find_record(a, sqlite3_column_int64(s, 2));

	(void)db;
	if (!n)
		return no_memory(e);
	a->names = n;
	n += a->name_count;
	if (!db_column_name_valid(s, 1))
		return ODD;
	/* A name without a record is passed by, as a join does. */
	if (!r)
		return 0;
	*n = (struct ahead_name){
		.parent = sqlite3_column_int64(s, 0),
		.text = a->texts.len,
		.len = (uint32_t)sqlite3_column_bytes(s, 1),
		.record = (uint32_t)(r - a->records),
	};
	if (a->record_count > UINT32_MAX)
		return ODD;
	if (buf_add(&a->texts, sqlite3_column_blob(s, 1), n->len) < 0)
		return no_memory(e);
	if (a->name_count && !in_order(a, n - 1, n))
		return ODD;
	r->names += r->names < 2;
	a->name_count++;
	return 0;
}

static int add_xattr(struct db *db, struct db_ahead *a, sqlite3_stmt *s, struct err *e)
{
	struct db_record *r = find_record(a, sqlite3_column_int64(s, 0));

	(void)db;
	(void)e;
	if (r)
		r->has_xattrs = true;
	return 0;
}

static int scan(struct db *db, struct db_ahead *a, const char *sql,
	int (*add)(struct db *db, struct db_ahead *a, sqlite3_stmt *s, struct err *e),
	struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);
	int added = 0;

	while (rc == SQLITE_OK && added == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		added = add(db, a, s, e);
		rc = SQLITE_OK;
	}
	if (added == 0 && rc != SQLITE_DONE)
		added = db_fail(db, e, "read ahead");
	sqlite3_finalize(s);
	return added;
}

static int read_all(struct db *db, struct db_ahead *a, struct err *e)
{
	/* Names and attributes are counted afterwards. */
	int rc = scan(db, a,
		"SELECT id, type, mode, uid, gid, rdev, label, hint_dev, hint_ino,"
		" hint_btime, 0, 0 FROM record ORDER BY id",
		add_record, e);

	if (rc == 0)
		rc = scan(db, a,
			"SELECT parent, name, record FROM name ORDER BY parent, name",
			add_name, e);
	if (rc == 0)
		rc = scan(db, a, "SELECT DISTINCT record FROM xattr", add_xattr, e);
	return rc;
}

int db_read_ahead(struct db *db, struct err *e)
{
	bool own = !db_in_transaction(db);
	int rc;

	db_ahead_free(db);
	/* All of it as of one moment. */
	if (own && db_exec(db, "BEGIN", e) < 0)
		return -1;
	db->ahead = calloc(1, sizeof(*db->ahead));
	rc = db->ahead ? read_all(db, db->ahead, e) : no_memory(e);
	if (rc != 0)
		db_ahead_free(db);
	if (own && db_exec(db, "COMMIT", e) < 0)
		return -1;
	return rc < 0 ? -1 : 0;
}

int db_ahead_children(
	struct db *db, int64_t parent, db_child_fn *fn, void *arg, struct err *e)
{
	const struct db_ahead *a = db->ahead;
	size_t low = 0, high = a->name_count;

	(void)e;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (a->names[mid].parent < parent)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < a->name_count && a->names[low].parent == parent; low++) {
		const struct ahead_name *n = &a->names[low];
		int rc = fn(arg, a->texts.data + n->text, n->len, &a->records[n->record]);

		if (rc != 0)
			return rc;
	}
	return 0;
}
