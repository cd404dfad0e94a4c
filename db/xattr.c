/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

static bool xattr_name_valid(const void *name, size_t len)
{
	return name && len > 0 && len <= DB_XNAME_MAX && !memchr(name, '\0', len);
}

int db_xattr_put(struct db *db, int64_t id, const char *name, const void *value,
	size_t len, struct err *e)
{
	sqlite3_stmt *s;

	if (!xattr_name_valid(name, strlen(name)))
		return err_set(e, ERR_INPUT, "an attribute's name has 1 to %d bytes",
			DB_XNAME_MAX);
	if (len > DB_XVALUE_MAX)
		return err_set(e, ERR_INPUT,
			"attribute %s: a value has at most %d bytes, "
			"this one %zu",
			name, DB_XVALUE_MAX, len);
	s = db_stmt(db, STMT_XATTR_PUT, e);
	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_blob(s, 2, name, (int)strlen(name), SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, len ? value : "", (int)len, SQLITE_STATIC);
	return db_run(db, s, e, "write an attribute");
}

int db_xattr_drop(struct db *db, int64_t id, const char *name, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_XATTR_DROP, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_blob(s, 2, name, (int)strlen(name), SQLITE_STATIC);
	if (db_run(db, s, e, "drop an attribute") < 0)
		return -1;
	return sqlite3_changes(db->sql) > 0;
}

/* The value in a row, copied. */
static int copy_value(struct db *db, int64_t id, sqlite3_stmt *s, void **value,
	size_t *len, struct err *e)
{
	size_t n = (size_t)sqlite3_column_bytes(s, 0);

	if (n > DB_XVALUE_MAX)
		return db_damaged(db, e, id, "an attribute that cannot be one");
	*value = malloc(n ? n : 1);
	if (!*value)
		return err_set(e, ERR_SYS, "out of memory");
	if (n)
		memcpy(*value, sqlite3_column_blob(s, 0), n);
	*len = n;
	return 1;
}

int db_xattr_get(struct db *db, int64_t id, const char *name, void **value, size_t *len,
	struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_XATTR_GET, e);
	int rc;

	*value = NULL;
	*len = 0;
	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_blob(s, 2, name, (int)strlen(name), SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = copy_value(db, id, s, value, len, e);
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read an attribute");
	sqlite3_reset(s);
	return rc;
}

int db_xattr_each(struct db *db, int64_t id, db_xattr_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_XATTR_EACH, e);
	int rc;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		char name[DB_XNAME_MAX + 1];
		size_t name_len = (size_t)sqlite3_column_bytes(s, 0);
		const void *text = sqlite3_column_blob(s, 0);
		size_t len = (size_t)sqlite3_column_bytes(s, 1);
		const void *value = sqlite3_column_blob(s, 1);

		if (!xattr_name_valid(text, name_len) || len > DB_XVALUE_MAX) {
			sqlite3_reset(s);
			return db_damaged(db, e, id, "an attribute that cannot be one");
		}
		memcpy(name, text, name_len);
		name[name_len] = '\0';
		rc = fn(arg, name, value ? value : "", len);
		if (rc != 0) {
			sqlite3_reset(s);
			return rc;
		}
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read attributes");
	sqlite3_reset(s);
	return rc;
}

int db_xattr_any(struct db *db, const char *prefix, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_XATTR_ANY, e);
	int rc;

	if (!s)
		return -1;
	sqlite3_bind_blob(s, 1, prefix, (int)strlen(prefix), SQLITE_STATIC);
	rc = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int(s, 0)
					   : db_fail(db, e, "look for attributes");
	sqlite3_reset(s);
	return rc;
}
