/* SPDX-License-Identifier: MIT */
/*
 * The schema, as a list of migrations that only ever grows: version N is what the first
 * N steps make. livery(5) describes the result.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "db/internal.h"

#define APPLICATION_ID 0x4c565259 /* "LVRY" */

static const char *const migrations[] = {
	/* 1: records by inode, names, interned labels, other attributes, notes */
	"CREATE TABLE label (id INTEGER PRIMARY KEY, context BLOB NOT NULL UNIQUE);"
	"CREATE TABLE record (id INTEGER PRIMARY KEY, type INTEGER NOT NULL, mode "
	"INTEGER,"
	" uid INTEGER, gid INTEGER, rdev INTEGER, label INTEGER REFERENCES label(id),"
	" hint_dev INTEGER, hint_ino INTEGER, hint_btime INTEGER);"
	"CREATE TABLE name (parent INTEGER NOT NULL REFERENCES record(id),"
	" name BLOB NOT NULL, record INTEGER NOT NULL REFERENCES record(id),"
	" PRIMARY KEY (parent, name)) WITHOUT ROWID;"
	"CREATE INDEX name_record ON name(record);"
	"CREATE TABLE xattr (record INTEGER NOT NULL REFERENCES record(id),"
	" name BLOB NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY (record, name)) WITHOUT ROWID;"
	"CREATE TABLE note (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)"
	" WITHOUT ROWID;"
	"INSERT INTO record (id, type) VALUES (1, 16384);",
};

#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int migrate(struct db *db, int from, struct err *e)
{
	char sql[96];

	if (db_begin(db, e) < 0)
		return -1;
	for (int v = from; v < SCHEMA_VERSION; v++)
		if (db_exec(db, migrations[v], e) < 0)
			goto undo;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
	if (db_exec(db, sql, e) < 0)
		goto undo;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION);
	if (db_exec(db, sql, e) < 0)
		goto undo;
	return db_commit(db, e);
undo:
	db_rollback(db);
	return -1;
}

/* Every object's SQL text, sorted, in one string. */
static int describe(sqlite3 *sql, struct buf *out)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(sql,
		"SELECT type || ' ' || name || ' ' || coalesce(sql, '')"
		" FROM sqlite_schema ORDER BY type, name",
		-1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(s, 0);

		rc = line && buf_adds(out, line) == 0 && buf_addc(out, '\n') == 0
			     ? SQLITE_OK
			     : SQLITE_NOMEM;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* A file from outside could carry triggers or views: its schema must be just ours. */
static int check_schema(struct db *db, struct err *e)
{
	cleanup_buf struct buf found = {0};
	cleanup_buf struct buf expected = {0};
	sqlite3 *model = NULL;
	int rc = 0;

	if (describe(db->sql, &found) < 0)
		return db_fail(db, e, "read the schema");
	if (sqlite3_open(":memory:", &model) != SQLITE_OK)
		rc = -1;
	for (int v = 0; rc == 0 && v < SCHEMA_VERSION; v++)
		rc = sqlite3_exec(model, migrations[v], NULL, NULL, NULL);
	if (rc == 0)
		rc = describe(model, &expected);
	sqlite3_close(model);
	if (rc != 0)
		return err_set(e, ERR_SYS, "out of memory");
	if (!found.data || strcmp(found.data, expected.data) != 0)
		return err_set(e, ERR_INPUT,
			"%s: damaged: its tables are not those of a "
			"livery database of version %d",
			db->path, SCHEMA_VERSION);
	return 0;
}

static int newer(const char *path, int64_t version, struct err *e)
{
	return err_set(e, ERR_INPUT,
		"%s: written by a newer livery (schema %" PRId64 ", this one knows %d): "
		"use that one",
		path, version, SCHEMA_VERSION);
}

static int not_ours(const char *path, struct err *e)
{
	return err_set(
		e, ERR_INPUT, "%s: an SQLite database, but not one of livery's", path);
}

int db_schema_check_header(const char *path, const unsigned char *header, struct err *e)
{
	/* https://www.sqlite.org/fileformat.html#the_database_header */
	uint32_t version = db_be32(header + 60);

	if (db_be32(header + 68) != APPLICATION_ID)
		return not_ours(path, e);
	return version <= INT32_MAX && version > SCHEMA_VERSION ? newer(path, version, e)
								: 0;
}

int db_schema_prepare(struct db *db, bool writable, struct err *e)
{
	int64_t app, version, objects;

	if (db_pragma(db, "PRAGMA application_id", &app, e) < 0 ||
		db_pragma(db, "PRAGMA user_version", &version, e) < 0 ||
		db_pragma(db, "SELECT count(*) FROM sqlite_schema", &objects, e) < 0)
		return -1;
	if (app != APPLICATION_ID && (app != 0 || version != 0 || objects != 0))
		return not_ours(db->path, e);
	if (version > SCHEMA_VERSION)
		return newer(db->path, version, e);
	if (version < 0 || (version == 0 && objects != 0))
		return err_set(e, ERR_INPUT, "%s: damaged: schema version %" PRId64,
			db->path, version);
	if (version < SCHEMA_VERSION) {
		if (!writable)
			return err_set(e, ERR_INPUT,
				"%s: of an older livery: a command that writes brings it "
				"up "
				"to date",
				db->path);
		if (migrate(db, (int)version, e) < 0)
			return -1;
	}
	return check_schema(db, e);
}
