/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "db/internal.h"

#define RECORD_ID_MAX (INT64_C(1) << 53) /* shown as an inode number, in JSON too */

struct db_record db_record_new(uint32_t type)
{
	return (struct db_record){
		.type = type & S_IFMT,
		.mode = DB_SILENT,
		.uid = DB_SILENT,
		.gid = DB_SILENT,
	};
}

static bool type_valid(int64_t type)
{
	switch (type) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

/* A column that is NULL (silent) or a number from 0 to max. */
static bool column_u32(sqlite3_stmt *s, int col, uint32_t max, uint32_t *out)
{
	sqlite3_int64 v;

	*out = DB_SILENT;
	if (sqlite3_column_type(s, col) == SQLITE_NULL)
		return true;
	v = sqlite3_column_int64(s, col);
	if (sqlite3_column_type(s, col) != SQLITE_INTEGER || v < 0 || v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

int db_record_from_row(
	struct db *db, sqlite3_stmt *s, int first, struct db_record *r, struct err *e)
{
	int64_t type = sqlite3_column_int64(s, first + 1);

	*r = (struct db_record){.id = sqlite3_column_int64(s, first)};
	if (r->id < DB_ROOT || r->id > RECORD_ID_MAX)
		return db_damaged(db, e, r->id, "a number outside 1 to 2^53");
	if (!type_valid(type))
		return db_damaged(db, e, r->id, "no such file type");
	r->type = (uint32_t)type;
	if (!column_u32(s, first + 2, 07777, &r->mode))
		return db_damaged(db, e, r->id, "a mode outside 0 to 07777");
	if (!column_u32(s, first + 3, UINT32_MAX - 1, &r->uid) ||
		!column_u32(s, first + 4, UINT32_MAX - 1, &r->gid))
		return db_damaged(db, e, r->id, "an owner outside 0 to 4294967294");
	r->rdev = (uint64_t)sqlite3_column_int64(s, first + 5);
	if (r->rdev && type != S_IFCHR && type != S_IFBLK)
		return db_damaged(db, e, r->id, "a device number on what is no device");
	if (major(r->rdev) > 0xfff || minor(r->rdev) > 0xfffff)
		return db_damaged(db, e, r->id, "a device number outside 4095:1048575");
	r->label = sqlite3_column_int64(s, first + 6);
	r->hint.dev = (uint64_t)sqlite3_column_int64(s, first + 7);
	r->hint.ino = (uint64_t)sqlite3_column_int64(s, first + 8);
	r->hint.btime = sqlite3_column_int64(s, first + 9);
	r->names = (uint32_t)sqlite3_column_int64(s, first + 10);
	r->has_xattrs = sqlite3_column_int(s, first + 11);
	return 0;
}

int db_record_get(struct db *db, int64_t id, struct db_record *r, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_RECORD_GET, e);
	int rc;

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = db_record_from_row(db, s, 0, r, e) < 0 ? -1 : 1;
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, e, "read a record");
	sqlite3_reset(s);
	return rc;
}

static void bind_u32(sqlite3_stmt *s, int col, uint32_t v)
{
	if (v != DB_SILENT)
		sqlite3_bind_int64(s, col, v);
}

/* Zero is stored as NULL, which takes no room in the file. */
static void bind_nonzero(sqlite3_stmt *s, int col, int64_t v)
{
	if (v)
		sqlite3_bind_int64(s, col, v);
}

/* SQLite's choice: one more than the largest; beyond its own limit, any that is free. */
static int take_number(struct db *db, struct db_record *r, struct err *e)
{
	r->id = sqlite3_last_insert_rowid(db->sql);
	if (r->id >= DB_ROOT && r->id <= RECORD_ID_MAX)
		return 0;
	r->id = 0;
	return err_set(e, ERR_INPUT,
		"%s: damaged: a record has so large a number that none is left for a new "
		"one",
		db->path);
}

int db_record_put(struct db *db, struct db_record *r, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, r->id ? STMT_RECORD_UPDATE : STMT_RECORD_INSERT, e);

	if (!s)
		return -1;
	if (r->id)
		sqlite3_bind_int64(s, 1, r->id);
	sqlite3_bind_int64(s, 2, r->type);
	bind_u32(s, 3, r->mode);
	bind_u32(s, 4, r->uid);
	bind_u32(s, 5, r->gid);
	bind_nonzero(s, 6, (int64_t)r->rdev);
	bind_nonzero(s, 7, r->label);
	bind_nonzero(s, 8, (int64_t)r->hint.dev);
	bind_nonzero(s, 9, (int64_t)r->hint.ino);
	bind_nonzero(s, 10, r->hint.btime);
	if (db_run(db, s, e, "write a record") < 0)
		return -1;
	return r->id ? 0 : take_number(db, r, e);
}

int db_record_set_label(struct db *db, int64_t id, int64_t label, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_RECORD_LABEL, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, id);
	bind_nonzero(s, 2, label);
	return db_run(db, s, e, "write a label");
}
