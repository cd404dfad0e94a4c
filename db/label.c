/* SPDX-License-Identifier: MIT */
/* Labels: each context once in the file and once in memory. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

#define LABEL_ID_MAX INT32_MAX /* far from where SQLite no longer counts upwards */

/* Adds a label behind the others; ids come in ascending order. */
static int remember(
	struct db *db, int64_t id, const char *text, size_t len, struct err *e)
{
	struct db_label *grown = db->labels;

	/* Doubles at each power of two. */
	if ((db->label_count & (db->label_count - 1)) == 0) {
		size_t room = db->label_count ? db->label_count * 2 : 1;

		grown = reallocarray(db->labels, room, sizeof(*grown));
		if (!grown)
			return err_set(e, ERR_SYS, "out of memory");
		db->labels = grown;
	}
	grown[db->label_count].id = id;
	grown[db->label_count].text = strndup(text, len);
	if (!grown[db->label_count].text)
		return err_set(e, ERR_SYS, "out of memory");
	db->label_count++;
	return 0;
}

int db_labels_load(struct db *db, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db->sql, "SELECT id, context FROM label ORDER BY id", -1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *text = sqlite3_column_blob(s, 1);
		size_t len = (size_t)sqlite3_column_bytes(s, 1);
		int64_t id = sqlite3_column_int64(s, 0);

		if (!text || len == 0 || len > DB_LABEL_MAX || memchr(text, '\0', len) ||
			id < 1 || id > LABEL_ID_MAX) {
			err_set(e, ERR_INPUT, "%s: damaged: label %lld is no context",
				db->path, (long long)id);
			sqlite3_finalize(s);
			return -1;
		}
		if (remember(db, id, text, len, e) < 0) {
			sqlite3_finalize(s);
			return -1;
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	db->labels_before = db->label_count;
	return rc == SQLITE_DONE ? 0 : db_fail(db, e, "read the labels");
}

void db_labels_free(struct db *db)
{
	for (size_t i = 0; i < db->label_count; i++)
		free(db->labels[i].text);
	free(db->labels);
}

void db_labels_forget_new(struct db *db)
{
	while (db->label_count > db->labels_before)
		free(db->labels[--db->label_count].text);
}

static int compare_id(const void *key, const void *elem)
{
	int64_t a = *(const int64_t *)key;
	int64_t b = ((const struct db_label *)elem)->id;

	return a < b ? -1 : a > b;
}

const char *db_label_text(struct db *db, int64_t label, struct err *e)
{
	const struct db_label *l = NULL;

	if (db->label_count)
		l = bsearch(&label, db->labels, db->label_count, sizeof(*l), compare_id);
	if (!l) {
		err_set(e, ERR_INPUT, "%s: damaged: there is no label %lld", db->path,
			(long long)label);
		return NULL;
	}
	return l->text;
}

int64_t db_label_intern(struct db *db, const char *context, size_t len, struct err *e)
{
	sqlite3_stmt *s;
	int64_t id;

	if (len == 0 || len > DB_LABEL_MAX || memchr(context, '\0', len))
		return err_set(e, ERR_INPUT, "a label is 1 to %d bytes without NUL",
			DB_LABEL_MAX);
	s = db_stmt(db, STMT_LABEL_FIND, e);
	if (!s)
		return -1;
	sqlite3_bind_blob(s, 1, context, (int)len, SQLITE_STATIC);
	switch (sqlite3_step(s)) {
	case SQLITE_ROW:
		id = sqlite3_column_int64(s, 0);
		sqlite3_reset(s);
		return id;
	case SQLITE_DONE:
		sqlite3_reset(s);
		break;
	default:
		return db_fail(db, e, "look for a label");
	}
	s = db_stmt(db, STMT_LABEL_INSERT, e);
	if (!s)
		return -1;
	sqlite3_bind_blob(s, 1, context, (int)len, SQLITE_STATIC);
	if (db_run(db, s, e, "write a label") < 0)
		return -1;
	id = sqlite3_last_insert_rowid(db->sql);
	if (remember(db, id, context, len, e) < 0)
		return -1;
	/* Outside of a transaction it is in the file already. */
	if (sqlite3_get_autocommit(db->sql))
		db->labels_before = db->label_count;
	return id;
}
