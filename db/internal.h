/* SPDX-License-Identifier: MIT */
/* What the files of this folder share; see db.h for the contract. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "db/db.h"

enum db_stmt {
	STMT_RECORD_GET,
	STMT_RECORD_INSERT,
	STMT_RECORD_UPDATE,
	STMT_RECORD_LABEL,
	STMT_RECORD_DELETE,
	STMT_RECORD_UNNAMED,
	STMT_NAME_GET,
	STMT_NAME_PUT,
	STMT_NAME_DELETE,
	STMT_NAME_MOVE,
	STMT_NAME_COUNT,
	STMT_NAME_TOTAL,
	STMT_NAME_OF,
	STMT_NAME_CLEAR,
	STMT_CHILDREN,
	STMT_CHILD_FIRST,
	STMT_LABEL_FIND,
	STMT_LABEL_INSERT,
	STMT_XATTR_PUT,
	STMT_XATTR_DROP,
	STMT_XATTR_DROP_ALL,
	STMT_XATTR_UNOWNED,
	STMT_XATTR_EACH,
	STMT_NOTE_PUT,
	STMT_NOTE_GET,
	STMT_NOTE_DROP,
	STMT_COUNT,
};

struct db_label {
	int64_t id;
	char *text;
};

struct db {
	sqlite3 *sql;
	sqlite3_stmt *stmts[STMT_COUNT]; /* prepared when first used */
	char *path;                      /* as given */
	char *file;                      /* without symbolic links */
	struct stat opened;              /* what the file was then */
	int lock_fd; /* closed after sql: closing it drops SQLite's own POSIX locks */
	enum db_mode mode;
	struct db_label *labels; /* sorted by id */
	size_t label_count;
	size_t labels_before;   /* those that no rollback takes back */
	struct db_ahead *ahead; /* NULL: nothing was read ahead */
};

/* The statement, reset and with no bindings. NULL with e set. */
sqlite3_stmt *db_stmt(struct db *db, enum db_stmt which, struct err *e);

/* An error from SQLite; doing says what was tried. Always -1. */
int db_fail(struct db *db, struct err *e, const char *doing);

/* Runs a statement that changes something, and resets it. */
int db_run(struct db *db, sqlite3_stmt *s, struct err *e, const char *doing);

/* Runs SQL text without parameters. */
int db_exec(struct db *db, const char *sql, struct err *e);

/* A damaged value: "PATH: record N: WHAT". Always -1. */
int db_damaged(const struct db *db, struct err *e, int64_t record, const char *what);

/* schema.c: brings an empty or older database up to date; checks that it is ours. */
int db_schema_prepare(struct db *db, bool writable, struct err *e);

/* lock.c */
int db_lock(int fd, const char *path, enum db_mode mode, struct err *e);

/* label.c */
int db_labels_load(struct db *db, struct err *e);
void db_labels_free(struct db *db);
void db_labels_forget_new(struct db *db);

/* record.c: a record from a row whose columns start at first (RECORD_COLUMNS). */
int db_record_from_row(
	struct db *db, sqlite3_stmt *s, int first, struct db_record *r, struct err *e);

/* name.c: a name from outside, and one in a row. */
bool db_name_valid(const void *name, size_t len);
bool db_column_name_valid(sqlite3_stmt *s, int col);

/* ahead.c */
void db_ahead_free(struct db *db);
int db_ahead_children(
	struct db *db, int64_t parent, db_child_fn *fn, void *arg, struct err *e);

#endif
