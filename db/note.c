/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

int db_note_put(struct db *db, const char *key, const char *value, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NOTE_PUT, e);

	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
	return db_run(db, s, e, "write a note");
}

int db_note_drop(struct db *db, const char *key, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NOTE_DROP, e);

	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	return db_run(db, s, e, "drop a note");
}

int db_note_get(struct db *db, const char *key, char **value, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_NOTE_GET, e);
	int rc;

	*value = NULL;
	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(s, 0);

		*value = strdup(text ? (const char *)text : "");
		rc = *value ? 0 : err_set(e, ERR_SYS, "out of memory");
	} else {
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read a note");
	}
	sqlite3_reset(s);
	return rc;
}
