/* SPDX-License-Identifier: MIT */
/* Every statement, prepared when first used, and what SQLite's errors become. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/quote.h"
#include "db/internal.h"

/* As db_record_from_row() reads them. */
#define RECORD_COLUMNS                                                                   \
	"r.id, r.type, r.mode, r.uid, r.gid, r.rdev, r.label, r.hint_dev, r.hint_ino,"   \
	" r.hint_btime, (SELECT count(*) FROM (SELECT 1 FROM name AS c"                  \
	" WHERE c.record = r.id LIMIT 2)),"                                              \
	" EXISTS (SELECT 1 FROM xattr AS x WHERE x.record = r.id)"

static const char *const texts[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_DATA_VERSION] = "PRAGMA data_version",
	[STMT_STAY] = "SELECT 1 FROM sqlite_schema",
	[STMT_RECORD_GET] = "SELECT " RECORD_COLUMNS " FROM record AS r WHERE r.id = ?1",
	[STMT_RECORD_INSERT] = "INSERT INTO record (type, mode, uid, gid, rdev, label,"
			       " hint_dev, hint_ino, hint_btime)"
			       " VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[STMT_RECORD_UPDATE] =
		"UPDATE record SET type = ?2, mode = ?3, uid = ?4, gid = ?5,"
		" rdev = ?6, label = ?7, hint_dev = ?8, hint_ino = ?9,"
		" hint_btime = ?10 WHERE id = ?1",
	[STMT_RECORD_LABEL] = "UPDATE record SET label = ?2 WHERE id = ?1",
	[STMT_RECORD_DELETE] = "DELETE FROM record WHERE id = ?1",
	[STMT_RECORD_UNNAMED] = "DELETE FROM record WHERE id != 1"
				" AND id NOT IN (SELECT record FROM name)",
	[STMT_NAME_GET] = "SELECT " RECORD_COLUMNS " FROM name AS n JOIN record AS r"
			  " ON r.id = n.record WHERE n.parent = ?1 AND n.name = ?2",
	[STMT_NAME_PUT] =
		"INSERT OR IGNORE INTO name (parent, name, record) VALUES (?1, ?2, ?3)",
	[STMT_NAME_DELETE] = "DELETE FROM name WHERE parent = ?1 AND name = ?2",
	[STMT_NAME_MOVE] = "UPDATE name SET parent = ?3, name = ?4"
			   " WHERE parent = ?1 AND name = ?2",
	[STMT_NAME_COUNT] = "SELECT count(*) FROM name WHERE record = ?1",
	[STMT_NAME_TOTAL] = "SELECT count(*) FROM name",
	[STMT_NAME_OF] = "SELECT parent, name FROM name WHERE record = ?1"
			 " ORDER BY parent, name",
	[STMT_NAME_CLEAR] = "DELETE FROM name",
	[STMT_NAME_UNOWNED] =
		"DELETE FROM name WHERE parent NOT IN (SELECT id FROM record)",
	[STMT_CHILDREN] =
		"SELECT n.name, " RECORD_COLUMNS " FROM name AS n JOIN record AS r"
		" ON r.id = n.record WHERE n.parent = ?1 ORDER BY n.name",
	[STMT_CHILD_FIRST] = "SELECT name FROM name WHERE parent = ?1 LIMIT 1",
	[STMT_LABEL_FIND] = "SELECT id FROM label WHERE context = ?1",
	[STMT_LABEL_TEXT] = "SELECT context FROM label WHERE id = ?1",
	[STMT_LABEL_INSERT] = "INSERT INTO label (context) VALUES (?1)",
	[STMT_XATTR_PUT] = "INSERT OR REPLACE INTO xattr (record, name, value)"
			   " VALUES (?1, ?2, ?3)",
	[STMT_XATTR_GET] = "SELECT value FROM xattr WHERE record = ?1 AND name = ?2",
	[STMT_XATTR_DROP] = "DELETE FROM xattr WHERE record = ?1 AND name = ?2",
	[STMT_XATTR_DROP_ALL] = "DELETE FROM xattr WHERE record = ?1",
	[STMT_XATTR_UNOWNED] =
		"DELETE FROM xattr WHERE record NOT IN (SELECT id FROM record)",
	[STMT_XATTR_EACH] =
		"SELECT name, value FROM xattr WHERE record = ?1 ORDER BY name",
	[STMT_XATTR_ANY] = "SELECT EXISTS (SELECT 1 FROM xattr"
			   " WHERE substr(name, 1, length(?1)) = ?1)",
	[STMT_NOTE_PUT] = "INSERT OR REPLACE INTO note (key, value) VALUES (?1, ?2)",
	[STMT_NOTE_GET] = "SELECT value FROM note WHERE key = ?1",
	[STMT_NOTE_DROP] = "DELETE FROM note WHERE key = ?1",
};

sqlite3_stmt *db_stmt(struct db *db, enum db_stmt which, struct err *e)
{
	sqlite3_stmt **s = &db->stmts[which];

	if (!*s && sqlite3_prepare_v3(db->sql, texts[which], -1,
			   SQLITE_PREPARE_PERSISTENT, s, NULL) != SQLITE_OK) {
		db_fail(db, e, texts[which]);
		return NULL;
	}
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
	return *s;
}

int db_fail(struct db *db, struct err *e, const char *doing)
{
	int rc = sqlite3_extended_errcode(db->sql);
	int sys = sqlite3_system_errno(db->sql);
	char why[512];

	/* SQLite's text may repeat bytes of a damaged file. */
	quote_path(why, sizeof(why), sqlite3_errmsg(db->sql));
	err_set(e, ERR_INPUT, "%s: %s (%s)", db->path, why, doing);
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_hint(e,
			"the database is damaged: restore it from a copy, or make "
			"it anew");
	case SQLITE_BUSY:
		e->code = ERR_BUSY;
		return -1;
	case SQLITE_FULL:
		e->code = ERR_SYS;
		e->sys = ENOSPC;
		return err_hint(e,
			"no space is left beside it; nothing of this change was "
			"kept");
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		e->code = ERR_SYS;
		e->sys = sys ? sys : EIO;
		if (sys)
			err_hint(e, "%s", strerror(sys));
		if (rc == SQLITE_READONLY_DIRECTORY) {
			e->sys = EACCES;
			err_hint(e, "its directory has to be writable too");
		} else if (rc == SQLITE_CANTOPEN) {
			err_hint(e, "files beside it are needed too: see livery(5)");
		}
		return -1;
	default:
		return -1;
	}
}

static int lent(const struct db *db, struct err *e)
{
	return err_set(e, ERR_BUSY,
		"%s: a command changes this database; wait until it ends", db->path);
}

int db_run(struct db *db, sqlite3_stmt *s, struct err *e, const char *doing)
{
	int rc;

	/* What was read ahead is not true any more. */
	db_ahead_free(db);
	if (db->lent)
		return lent(db, e);
	rc = sqlite3_step(s);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		db_fail(db, e, doing);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, e, sql);
	return 0;
}

int db_damaged(const struct db *db, struct err *e, int64_t record, const char *what)
{
	err_set(e, ERR_INPUT, "%s: damaged: record %" PRId64 ": %s", db->path, record,
		what);
	return -1;
}

/* Of BEGIN, COMMIT and ROLLBACK, which change no row. */
static int run_plain(struct db *db, enum db_stmt which, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, which, e);
	int rc;

	if (!s)
		return -1;
	rc = sqlite3_step(s);
	/* Somebody wrote who is not livery. */
	if (rc == SQLITE_BUSY_SNAPSHOT && db->stays) {
		sqlite3_reset(s);
		db_wal_move(db);
		rc = sqlite3_step(s);
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, texts[which]);
	sqlite3_reset(s);
	return rc;
}

int db_begin(struct db *db, struct err *e)
{
	if (db->lent)
		return lent(db, e);
	db_wal_stay(db);
	if (run_plain(db, STMT_BEGIN, e) < 0)
		return -1;
	db->labels_before = db->label_count;
	return 0;
}

int db_commit(struct db *db, struct err *e)
{
	if (run_plain(db, STMT_COMMIT, e) < 0)
		return -1;
	db->labels_before = db->label_count;
	db_wal_shorten(db);
	return 0;
}

bool db_in_transaction(const struct db *db)
{
	return !sqlite3_get_autocommit(db->sql);
}

void db_rollback(struct db *db)
{
	struct err ignored;

	db_ahead_free(db);
	if (db_in_transaction(db))
		run_plain(db, STMT_ROLLBACK, &ignored);
	/* Labels that were new in the transaction are gone from the file. */
	db_labels_forget_new(db);
}
