/* SPDX-License-Identifier: MIT */
/* Labels: each context once in the file and once in memory. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

#define LABEL_ID_MAX INT32_MAX /* far from where SQLite no longer counts upwards */

/* Adds a label; as a rule ids come in ascending order. */
static int remember(
	struct db *db, int64_t id, const char *text, size_t len, struct err *e)
{
	struct db_label *grown = db->labels;
	size_t at = db->label_count;
	char *copy;

	/* Doubles at each power of two. */
	if ((db->label_count & (db->label_count - 1)) == 0) {
		size_t room = db->label_count ? db->label_count * 2 : 1;

		grown = reallocarray(db->labels, room, sizeof(*grown));
		if (!grown)
			return err_set(e, ERR_SYS, "out of memory");
		db->labels = grown;
	}
	copy = strndup(text, len);
	if (!copy)
		return err_set(e, ERR_SYS, "out of memory");
	while (at && grown[at - 1].id > id)
		at--;
	memmove(&grown[at + 1], &grown[at], (db->label_count - at) * sizeof(*grown));
	grown[at] = (struct db_label){.id = id, .text = copy};
	db->label_count++;
	return 0;
}

/* A label in a row, remembered. */
static int remember_row(
	struct db *db, int64_t id, sqlite3_stmt *s, int col, struct err *e)
{
	const char *text = sqlite3_column_blob(s, col);
	size_t len = (size_t)sqlite3_column_bytes(s, col);

	if (!text || len == 0 || len > DB_LABEL_MAX || memchr(text, '\0', len) ||
		id < 1 || id > LABEL_ID_MAX)
		return err_set(e, ERR_INPUT, "%s: damaged: label %lld is no context",
			db->path, (long long)id);
	return remember(db, id, text, len, e);
}

int db_labels_load(struct db *db, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db->sql, "SELECT id, context FROM label ORDER BY id", -1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (remember_row(db, sqlite3_column_int64(s, 0), s, 1, e) < 0) {
			sqlite3_finalize(s);
			return -1;
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	db->labels_before = db->label_count;
	return rc == SQLITE_DONE ? 0 : db_fail(db, e, "read the labels");
}

static void free_labels(struct db_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(labels[i].text);
	free(labels);
}

void db_labels_free(struct db *db)
{
	free_labels(db->labels, db->label_count);
	for (size_t i = 0; i < db->old_count; i++)
		free(db->old_texts[i]);
	free(db->old_texts);
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

static struct db_label *find(struct db_label *labels, size_t count, int64_t id)
{
	return count ? bsearch(&id, labels, count, sizeof(*labels), compare_id) : NULL;
}

/* Texts that were handed out stay: the same ones, or kept until the end. */
static int keep_texts(
	struct db *db, struct db_label *old, size_t old_count, struct err *e)
{
	char **kept =
		reallocarray(db->old_texts, db->old_count + old_count + 1, sizeof(*kept));

	if (!kept)
		return err_set(e, ERR_SYS, "out of memory");
	db->old_texts = kept;
	for (size_t i = 0; i < old_count; i++) {
		struct db_label *now = find(db->labels, db->label_count, old[i].id);
		char *text = old[i].text;

		if (now && strcmp(now->text, text) == 0) {
			free(now->text);
			now->text = text;
		} else {
			db->old_texts[db->old_count++] = text;
		}
	}
	return 0;
}

int db_labels_reload(struct db *db, struct err *e)
{
	struct db_label *old = db->labels;
	size_t old_count = db->label_count;

	db->labels = NULL;
	db->label_count = 0;
	if (db_labels_load(db, e) < 0 || keep_texts(db, old, old_count, e) < 0) {
		free_labels(db->labels, db->label_count);
		db->labels = old;
		db->labels_before = db->label_count = old_count;
		return -1;
	}
	free(old);
	return 0;
}

/* One that another process stored since they were loaded. */
static int fetch(struct db *db, int64_t label, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_LABEL_TEXT, e);
	int rc;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, label);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = remember_row(db, label, s, 0, e);
	else if (rc == SQLITE_DONE)
		rc = err_set(e, ERR_INPUT, "%s: damaged: there is no label %lld",
			db->path, (long long)label);
	else
		rc = db_fail(db, e, "read a label");
	sqlite3_reset(s);
	/* It is in the file: no rollback of ours takes it back. */
	if (rc == 0)
		db->labels_before++;
	return rc;
}

const char *db_label_text(struct db *db, int64_t label, struct err *e)
{
	const struct db_label *l = find(db->labels, db->label_count, label);

	if (!l && fetch(db, label, e) == 0)
		l = find(db->labels, db->label_count, label);
	return l ? l->text : NULL;
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
	if (!db_in_transaction(db))
		db->labels_before = db->label_count;
	return id;
}
