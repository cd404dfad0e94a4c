/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "db/internal.h"

bool db_name_valid(const void *name, size_t len)
{
	const char *n = name;

	if (!n || len == 0 || len > DB_NAME_MAX)
		return false;
	if (n[0] == '.' && (len == 1 || (len == 2 && n[1] == '.')))
		return false;
	return !memchr(n, '/', len) && !memchr(n, '\0', len);
}

/* A name in a row. Text would sort elsewhere and never be found again. */
bool db_column_name_valid(sqlite3_stmt *s, int col)
{
	return sqlite3_column_type(s, col) == SQLITE_BLOB &&
	       db_name_valid(
		       sqlite3_column_blob(s, col), (size_t)sqlite3_column_bytes(s, col));
}

static sqlite3_stmt *name_stmt(struct db *db, enum db_stmt which, int64_t parent,
	const char *name, size_t len, struct err *e)
{
	sqlite3_stmt *s;

	if (!db_name_valid(name, len)) {
		err_set(e, ERR_INPUT,
			"a name is 1 to %d bytes without '/' and NUL, and not "
			"'.' or '..'",
			DB_NAME_MAX);
		return NULL;
	}
	s = db_stmt(db, which, e);
	if (s) {
		sqlite3_bind_int64(s, 1, parent);
		sqlite3_bind_blob(s, 2, name, (int)len, SQLITE_STATIC);
	}
	return s;
}

int db_name_get(struct db *db, int64_t parent, const char *name, size_t len,
	struct db_record *r, struct err *e)
{
	sqlite3_stmt *s = name_stmt(db, STMT_NAME_GET, parent, name, len, e);
	int rc;

	if (!s)
		return -1;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = db_record_from_row(db, s, 0, r, e) < 0 ? -1 : 1;
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "look for a name");
	sqlite3_reset(s);
	return rc;
}

static int name_delete(
	struct db *db, int64_t parent, const char *name, size_t len, struct err *e)
{
	sqlite3_stmt *s = name_stmt(db, STMT_NAME_DELETE, parent, name, len, e);

	return s ? db_run(db, s, e, "drop a name") : -1;
}

/* 1 where it was not there before. */
static int name_insert(struct db *db, int64_t parent, const char *name, size_t len,
	int64_t id, struct err *e)
{
	sqlite3_stmt *s = name_stmt(db, STMT_NAME_PUT, parent, name, len, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 3, id);
	if (db_run(db, s, e, "write a name") < 0)
		return -1;
	return sqlite3_changes(db->sql) > 0;
}

int db_name_put(struct db *db, int64_t parent, const char *name, size_t len, int64_t id,
	struct err *e)
{
	struct db_record old;
	int rc = name_insert(db, parent, name, len, id, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = db_name_get(db, parent, name, len, &old, e);
	if (rc < 0 || (rc == 1 && old.id == id))
		return rc < 0 ? -1 : 0;
	/* One that points to no record, in a damaged file, is there and is not found. */
	if (rc == 1 ? db_name_drop(db, parent, name, len, e) < 0
		    : name_delete(db, parent, name, len, e) < 0)
		return -1;
	return name_insert(db, parent, name, len, id, e) < 0 ? -1 : 0;
}

int64_t db_name_count(struct db *db, int64_t id, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NAME_COUNT, e);
	int64_t n = -1;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	else
		db_fail(db, e, "count names");
	sqlite3_reset(s);
	return n;
}

/* Any name in a directory, copied; its length, 0 if there is none, -1 on error. */
static int first_child(
	struct db *db, int64_t id, char name[DB_NAME_MAX + 1], struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_CHILD_FIRST, e);
	int rc;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		int len = sqlite3_column_bytes(s, 0);
		const void *text = sqlite3_column_blob(s, 0);

		if (db_column_name_valid(s, 0)) {
			memcpy(name, text, (size_t)len);
			name[len] = '\0';
			rc = len;
		} else {
			rc = db_damaged(db, e, id, "a name that cannot be one");
		}
	} else {
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read names");
	}
	sqlite3_reset(s);
	return rc;
}

static int record_delete(struct db *db, int64_t id, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_RECORD_DELETE, e);
	sqlite3_stmt *x;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	if (db_run(db, s, e, "drop a record") < 0)
		return -1;
	x = db_stmt(db, STMT_XATTR_DROP_ALL, e);
	if (!x)
		return -1;
	sqlite3_bind_int64(x, 1, id);
	return db_run(db, x, e, "drop attributes");
}

struct id_stack {
	int64_t *ids;
	size_t count, room;
};

static int push(struct id_stack *st, int64_t id, struct err *e)
{
	if (st->count == st->room) {
		size_t room = st->room ? st->room * 2 : 16;
		int64_t *p = reallocarray(st->ids, room, sizeof(*p));

		if (!p)
			return err_set(e, ERR_SYS, "out of memory");
		st->ids = p;
		st->room = room;
	}
	st->ids[st->count++] = id;
	return 0;
}

/* Drops records without a name, and what is below them, leaves first. */
static int drop_orphans(struct db *db, struct id_stack *st, struct err *e)
{
	char name[DB_NAME_MAX + 1];
	struct db_record child;

	while (st->count) {
		int64_t id = st->ids[st->count - 1];
		int len = first_child(db, id, name, e);
		int64_t left;
		int there;

		if (len < 0)
			return -1;
		if (len == 0) {
			st->count--;
			if (record_delete(db, id, e) < 0)
				return -1;
			continue;
		}
		there = db_name_get(db, id, name, (size_t)len, &child, e);
		if (there < 0 || name_delete(db, id, name, (size_t)len, e) < 0)
			return -1;
		/* In a damaged file a name may point to nothing. */
		if (!there)
			continue;
		left = db_name_count(db, child.id, e);
		if (left < 0 ||
			(left == 0 && child.id != DB_ROOT && push(st, child.id, e) < 0))
			return -1;
	}
	return 0;
}

int db_name_unlink(struct db *db, int64_t parent, const char *name, size_t len,
	int64_t *orphan, struct err *e)
{
	struct db_record r;
	int rc = db_name_get(db, parent, name, len, &r, e);

	*orphan = 0;
	/* In a damaged file it may be there and point to nothing. */
	if (rc < 0 || name_delete(db, parent, name, len, e) < 0)
		return -1;
	if (rc == 1 && r.names == 1 && r.id != DB_ROOT)
		*orphan = r.id;
	return 0;
}

/* With what is below it; the record has no name. */
static int drop_orphan(struct db *db, int64_t id, struct err *e)
{
	struct id_stack st = {0};
	int rc = push(&st, id, e) < 0 ? -1 : drop_orphans(db, &st, e);

	free(st.ids);
	return rc;
}

int db_record_drop(struct db *db, int64_t id, struct err *e)
{
	int64_t names = db_name_count(db, id, e);

	if (names < 0)
		return -1;
	if (names > 0 || id == DB_ROOT)
		return err_set(e, ERR_INPUT, "%s: record %lld has a name, so it stays",
			db->path, (long long)id);
	return drop_orphan(db, id, e);
}

int db_name_drop(
	struct db *db, int64_t parent, const char *name, size_t len, struct err *e)
{
	int64_t orphan;

	if (db_name_unlink(db, parent, name, len, &orphan, e) < 0)
		return -1;
	return orphan ? drop_orphan(db, orphan, e) : 0;
}

int db_names_clear(struct db *db, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NAME_CLEAR, e);

	return s ? db_run(db, s, e, "drop all names") : -1;
}

int db_drop_unnamed(struct db *db, struct err *e)
{
	sqlite3_stmt *s;

	/* What was below them has no name that leads anywhere then. */
	do {
		s = db_stmt(db, STMT_RECORD_UNNAMED, e);
		if (!s || db_run(db, s, e, "drop records without a name") < 0)
			return -1;
		if (sqlite3_changes(db->sql) == 0)
			break;
		s = db_stmt(db, STMT_NAME_UNOWNED, e);
		if (!s || db_run(db, s, e, "drop names of what is gone") < 0)
			return -1;
	} while (sqlite3_changes(db->sql) > 0);
	s = db_stmt(db, STMT_XATTR_UNOWNED, e);
	return s ? db_run(db, s, e, "drop attributes without a record") : -1;
}

int db_name_move(struct db *db, int64_t parent, const char *name, size_t len,
	int64_t new_parent, const char *new_name, size_t new_len, struct err *e)
{
	sqlite3_stmt *s;

	if (!db_name_valid(new_name, new_len))
		return err_set(e, ERR_INPUT, "no valid name to move to");
	s = name_stmt(db, STMT_NAME_MOVE, parent, name, len, e);
	if (!s)
		return -1;
	sqlite3_bind_int64(s, 3, new_parent);
	sqlite3_bind_blob(s, 4, new_name, (int)new_len, SQLITE_STATIC);
	return db_run(db, s, e, "move a name");
}

int64_t db_name_total(struct db *db, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NAME_TOTAL, e);
	int64_t n = -1;

	if (!s)
		return -1;
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	else
		db_fail(db, e, "count names");
	sqlite3_reset(s);
	return n;
}

int db_children(struct db *db, int64_t parent, db_child_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *s;
	struct db_record r;
	int rc;

	if (db->ahead)
		return db_ahead_children(db, parent, fn, arg, e);
	s = db_stmt(db, STMT_CHILDREN, e);
	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, parent);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(s, 0);
		const char *name = sqlite3_column_blob(s, 0);

		if (!db_column_name_valid(s, 0))
			rc = db_damaged(db, e, parent, "holds a name that cannot be one");
		else
			rc = db_record_from_row(db, s, 1, &r, e);
		if (rc == 0)
			rc = fn(arg, name, len, &r);
		if (rc != 0) {
			sqlite3_reset(s);
			return rc;
		}
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read a directory");
	sqlite3_reset(s);
	return rc;
}

struct link_name {
	int64_t parent;
	char name[DB_NAME_MAX + 1];
};

/* Up to max names of a record; how many, -1 on error. */
static int names_of(
	struct db *db, int64_t id, struct link_name *names, int max, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NAME_OF, e);
	int count = 0;
	int rc = SQLITE_DONE;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	while (count < max && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(s, 1);

		if (!db_column_name_valid(s, 1)) {
			sqlite3_reset(s);
			return db_damaged(db, e, id, "a name that cannot be one");
		}
		names[count].parent = sqlite3_column_int64(s, 0);
		memcpy(names[count].name, sqlite3_column_blob(s, 1), len);
		names[count++].name[len] = '\0';
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		count = db_fail(db, e, "read a name");
	sqlite3_reset(s);
	return count;
}

static void reverse(char *p, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char c = p[i];

		p[i] = p[len - 1 - i];
		p[len - 1 - i] = c;
	}
}

/* Adds a name back to front: the path is built from its end. */
static int add_reversed(struct buf *path, const char *name, struct err *e)
{
	size_t at = path->len;

	if ((at && buf_addc(path, '/') < 0) || buf_adds(path, name) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	at += at ? 1 : 0;
	reverse(path->data + at, path->len - at);
	return 0;
}

/*
 * The path of one name of a record: 1, 0 where it does not lead to the root. A cycle, in
 * a damaged file, is found by meeting a directory that was kept at the last power of two.
 */
static int path_of(
	struct db *db, const struct link_name *name, struct buf *path, struct err *e)
{
	struct link_name above = *name;
	int64_t kept = 0;

	if (add_reversed(path, name->name, e) < 0)
		return -1;
	for (size_t depth = 1; above.parent != DB_ROOT; depth++) {
		int64_t id = above.parent;
		int rc;

		if (id == kept)
			return 0;
		if ((depth & (depth - 1)) == 0)
			kept = id;
		rc = names_of(db, id, &above, 1, e);
		if (rc <= 0)
			return rc;
		if (add_reversed(path, above.name, e) < 0)
			return -1;
	}
	reverse(path->data, path->len);
	return 1;
}

/* Keeps the bytewise first of the paths in *best. */
static int first_path(struct db *db, const struct link_name *names, int count,
	char **best, struct err *e)
{
	for (int i = 0; i < count; i++) {
		cleanup_buf struct buf path = {0};
		int rc = path_of(db, &names[i], &path, e);

		if (rc < 0)
			return -1;
		if (rc == 0 || (*best && strcmp(*best, path.data) <= 0))
			continue;
		free(*best);
		*best = take_ptr(path.data);
	}
	return 0;
}

int db_record_path(struct db *db, int64_t id, char **path, struct err *e)
{
	cleanup_free struct link_name *names = NULL;
	cleanup_free char *best = NULL;
	struct db_record r;
	int count = db_record_get(db, id, &r, e);

	*path = NULL;
	if (count <= 0)
		return count;
	if (id == DB_ROOT) {
		best = strdup("");
	} else {
		count = (int)(r.names < INT_MAX ? r.names : INT_MAX);
		names = calloc((size_t)count + 1, sizeof(*names));
		count = names ? names_of(db, id, names, count, e) : 0;
		if (count < 0 || first_path(db, names, count, &best, e) < 0)
			return -1;
		if (names && !best)
			return 0;
	}
	if (!best)
		return err_set(e, ERR_SYS, "out of memory");
	*path = take_ptr(best);
	return 1;
}
