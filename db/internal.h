/* SPDX-License-Identifier: MIT */
/* What the files of this folder share; see db.h for the contract. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "db/db.h"

enum db_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_DATA_VERSION,
	STMT_STAY,
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
	STMT_NAME_UNOWNED,
	STMT_CHILDREN,
	STMT_CHILD_FIRST,
	STMT_LABEL_FIND,
	STMT_LABEL_TEXT,
	STMT_LABEL_INSERT,
	STMT_XATTR_PUT,
	STMT_XATTR_GET,
	STMT_XATTR_DROP,
	STMT_XATTR_DROP_ALL,
	STMT_XATTR_UNOWNED,
	STMT_XATTR_EACH,
	STMT_XATTR_ANY,
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
	size_t labels_before; /* those that no rollback takes back */
	char **old_texts;     /* of labels that others changed */
	size_t old_count;
	struct db_ahead *ahead; /* NULL: nothing was read ahead */
	bool ready;             /* db_open() came to its end */
	/* DB_LIVE */
	bool wal;         /* in the write-ahead log's mode */
	bool stays;       /* what it sees is held from one transaction to the next */
	bool log_long;    /* it is time to bring the log in */
	bool lent;        /* to another process, so nothing may be written */
	atomic_bool back; /* lent no more, but db_refresh() is still to come */
	int back_fd;      /* a file description of its own, to wait for a loan's end */
	int64_t data_version; /* as db_refresh() last saw it */
};

/* The bytes that are locked; the others are behind the first. */
enum db_lock_byte {
	LOCK_WRITER = 0x60000000, /* who writes; shared: sealed views */
	LOCK_LIVE,                /* a view that writes is up, also while it lends */
	LOCK_LOAN,                /* a command borrows */
	LOCK_TURN,                /* a session begins or ends */
	LOCK_SESSION,             /* shared: a session uses a view */
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

/* open.c: a connection on which a file from outside may be read. An SQLite code. */
int db_connect(const char *file, bool writable, sqlite3 **sql);
int db_pragma(struct db *db, const char *sql, int64_t *value, struct err *e);

/* schema.c: brings an empty or older database up to date; checks that it is ours. */
int db_schema_prepare(struct db *db, bool writable, struct err *e);

/* The same as far as the file's first bytes tell it, before anything is changed. */
#define DB_HEADER_BYTES 100
int db_schema_check_header(const char *path, const unsigned char *header, struct err *e);
uint32_t db_be32(const unsigned char *p);

/* lock.c: takes what the mode wants. */
int db_lock(struct db *db, struct err *e);
/* fcntl(2) on one byte: F_RDLCK, F_WRLCK or F_UNLCK. */
int db_lock_set(int fd, enum db_lock_byte byte, short type);
int db_lock_wait(int fd, enum db_lock_byte byte);
/* Whether another file description has it locked. */
bool db_lock_held(int fd, enum db_lock_byte byte);

/* holder.c: who has the writer's byte. */
struct db_holder {
	char text[800]; /* " (process N: its command line)" where that can be seen */
	bool live;      /* it is the view that writes */
};
void db_holder_find(int fd, enum db_lock_byte byte, struct db_holder *h);

/* wal.c */
bool db_is_wal(int fd);
int db_wal_settle_open(struct db *db, struct err *e);
void db_wal_settle_close(struct db *db);
int db_wal_enter(struct db *db, struct err *e);
void db_wal_leave(struct db *db);
/*
 * Between the transactions of the one writer nothing changes, so the right to read is not
 * given back and taken again each time: that costs four locks. Whoever lets others write,
 * or brings in the log, gives it back first.
 */
void db_wal_stay(struct db *db);
void db_wal_move(struct db *db);
/* After a commit: brings in the log where it has become long. */
void db_wal_shorten(struct db *db);

/* length.c: that a file in WAL mode is not cut off. */
int db_wal_check_length(struct db *db, struct err *e);
int db_cut_off(const struct db *db, int64_t size, int64_t want, struct err *e);

/* label.c */
int db_labels_load(struct db *db, struct err *e);
int db_labels_reload(struct db *db, struct err *e);
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
