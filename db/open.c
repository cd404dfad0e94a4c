/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "common/quote.h"
#include "db/internal.h"

/*
 * What can be told without SQLite, so that a file which is no database is never opened
 * for writing.
 */
static int check_header(int fd, const char *path, bool fresh, struct err *e)
{
	unsigned char h[DB_HEADER_BYTES];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot examine the database");
	if (!S_ISREG(st.st_mode))
		return err_set(
			e, ERR_INPUT, "%s: not a regular file, so no database", path);
	if (st.st_size == 0 && fresh)
		return 0;
	if (st.st_size == 0)
		return err_set(e, ERR_INPUT,
			"%s: an empty file, no database: restore it from a copy, or "
			"remove it "
			"and make it anew",
			path);
	n = pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return err_sys(e, path, "cannot read the database");
	if (n < DB_HEADER_BYTES || memcmp(h, "SQLite format 3", 16) != 0)
		return err_set(e, ERR_INPUT, "%s: not an SQLite database", path);
	/* A rollback journal, or the write-ahead log of a view that writes. */
	if ((h[18] != 1 || h[19] != 1) && (h[18] != 2 || h[19] != 2))
		return err_set(e, ERR_INPUT,
			"%s: an SQLite database, but not in the format of livery's",
			path);
	return h[18] == 2 ? db_schema_check_header(path, h, e) : 0;
}

/* A umask may take from the owner what SQLite needs, which opens the file by its name. */
static int keep_usable(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	return (st.st_mode & 0600) == 0600 ? 0 : fchmod(fd, (st.st_mode & 0777) | 0600);
}

/* Sets *fresh where the file was only now made. */
static int open_file(const char *path, enum db_mode mode, bool *fresh, struct err *e)
{
	bool create = mode == DB_CREATE || mode == DB_LIVE;
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = -1;

	/* An exclusive lock wants a descriptor that can write. */
	flags |= mode == DB_READ || mode == DB_SEALED ? O_RDONLY : O_RDWR;
	*fresh = false;
	if (create) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0666);
		*fresh = fd >= 0;
		if (fd >= 0 && keep_usable(fd) < 0) {
			err_sys(e, path, "cannot set the database's mode");
			close(fd);
			return -1;
		}
	}
	if (fd < 0 && (!create || errno == EEXIST))
		fd = open(path, flags);
	if (fd < 0)
		return err_sys(e, path,
			create ? "cannot make the database" : "cannot open the database");
	return fd;
}

/* SQLite looks for a journal beside the file itself, not beside a link to it. */
static int resolve(struct db *db, struct err *e)
{
	char proc[DESCRIPTOR_PATH], file[PATH_MAX];
	ssize_t n;

	n = readlink(descriptor_path(db->lock_fd, proc), file, sizeof(file));
	if (n < 0 || n == (ssize_t)sizeof(file))
		return err_sys(e, db->path, "cannot find the database's own path");
	db->file = strndup(file, (size_t)n);
	return db->file ? 0 : err_set(e, ERR_SYS, "out of memory");
}

int db_connect(const char *file, bool writable, sqlite3 **sql)
{
	int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc = sqlite3_open_v2(file, sql, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(*sql, 1);
	sqlite3_busy_timeout(*sql, 10000);
	sqlite3_db_config(*sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(*sql, SQLITE_LIMIT_LENGTH, 16 << 20);
	sqlite3_limit(*sql, SQLITE_LIMIT_ATTACHED, 0);
	return sqlite3_exec(*sql,
		"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
		"PRAGMA cache_size = -16384; PRAGMA synchronous = FULL",
		NULL, NULL, NULL);
}

/*
 * A writer that was killed leaves a journal, which only a connection that may write can
 * roll back.
 */
static int recover(struct db *db, struct err *e)
{
	sqlite3 *sql = NULL;
	char why[512];
	char *journal = NULL;
	struct stat st;
	int rc;

	if (asprintf(&journal, "%s-journal", db->file) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	rc = stat(journal, &st);
	free(journal);
	if (rc < 0 || st.st_size == 0)
		return 0;
	rc = db_connect(db->file, true, &sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			sql, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		quote_path(why, sizeof(why), sqlite3_errmsg(sql));
		sqlite3_close(sql);
		return err_set(e, ERR_INPUT,
			"%s: a command that wrote to it was interrupted, and its journal "
			"cannot be rolled back: %s",
			db->path, why);
	}
	sqlite3_close(sql);
	return 0;
}

int db_pragma(struct db *db, const char *sql, int64_t *value, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : db_fail(db, e, sql);
}

/*
 * A log that is not empty belongs to a file in WAL mode; SQLite would play any back, into
 * a file that was restored from a copy too.
 */
static int check_strange_log(struct db *db, struct err *e)
{
	cleanup_free char *log = NULL;
	struct stat st;

	if (asprintf(&log, "%s-wal", db->file) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	/* A view that writes may have come meanwhile. */
	if (db_is_wal(db->lock_fd) || lstat(log, &st) < 0 || st.st_size == 0 ||
		db_is_wal(db->lock_fd))
		return 0;
	return err_set(e, ERR_INPUT,
		"%s: beside it is a log that is not its own, %s: move it away, or put "
		"the database that it belongs to in place",
		db->path, log);
}

/* SQLite takes a page that is cut off for a whole one. */
static int check_length(struct db *db, struct err *e)
{
	int64_t pages, page_size;
	struct stat st;

	if (db_is_wal(db->lock_fd))
		return db_wal_check_length(db, e);
	if (db_pragma(db, "PRAGMA page_count", &pages, e) < 0 ||
		db_pragma(db, "PRAGMA page_size", &page_size, e) < 0)
		return -1;
	if (fstat(db->lock_fd, &st) < 0)
		return err_sys(e, db->path, "cannot examine the database");
	if (st.st_size < pages * page_size)
		return db_cut_off(db, st.st_size, pages * page_size, e);
	return 0;
}

/*
 * Checks the length in a transaction, so that no commit of somebody else is half-way
 * through. A sealed view stays in it, which also holds off what is not livery.
 */
static int begin_reading(struct db *db, struct err *e)
{
	int64_t objects;

	if (db_exec(db, "BEGIN", e) < 0 ||
		db_pragma(db, "SELECT count(*) FROM sqlite_schema", &objects, e) < 0 ||
		check_length(db, e) < 0)
		return -1;
	return db->mode == DB_SEALED ? 0 : db_exec(db, "COMMIT", e);
}

/* Before SQLite sees the file: who may use it, and that it is at rest. */
static int open_locked(struct db *db, bool *fresh, struct err *e)
{
	db->lock_fd = open_file(db->path, db->mode, fresh, e);
	if (db->lock_fd < 0 || resolve(db, e) < 0 ||
		check_header(db->lock_fd, db->path, *fresh, e) < 0)
		return -1;
	if ((db->mode == DB_READ || db->mode == DB_SEALED) &&
		db_wal_settle_open(db, e) < 0)
		return -1;
	if (db_lock(db, e) < 0 || recover(db, e) < 0)
		return -1;
	if (db->mode != DB_READ && db->mode != DB_SEALED && db_wal_settle_open(db, e) < 0)
		return -1;
	return *fresh ? 0 : check_strange_log(db, e);
}

static int open_checked(struct db *db, struct err *e)
{
	bool writable = db->mode != DB_READ && db->mode != DB_SEALED;

	if (db_connect(db->file, writable, &db->sql) != SQLITE_OK)
		return db_fail(db, e, "open");
	if (db_schema_prepare(db, writable, e) < 0 || begin_reading(db, e) < 0 ||
		db_labels_load(db, e) < 0)
		return -1;
	if (db->mode == DB_LIVE && db_wal_enter(db, e) < 0)
		return -1;
	if (fstat(db->lock_fd, &db->opened) < 0)
		return err_sys(e, db->path, "cannot examine the database");
	return 0;
}

int db_open(struct db **out, const char *path, enum db_mode mode, struct err *e)
{
	struct db *db = calloc(1, sizeof(*db));
	bool fresh = false;

	*out = NULL;
	if (!db || !(db->path = strdup(path))) {
		free(db);
		return err_set(e, ERR_SYS, "out of memory");
	}
	db->mode = mode;
	db->lock_fd = db->back_fd = -1;
	if (open_locked(db, &fresh, e) < 0 || open_checked(db, e) < 0) {
		/* A retry would find an empty file and think that something was lost. */
		if (fresh && db->file)
			unlink(db->file);
		db_close(db);
		return -1;
	}
	db->ready = true;
	*out = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(db->stmts[i]);
	if (db->wal) {
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
		db_wal_leave(db);
	}
	sqlite3_close(db->sql);
	if (db->ready && !db->wal)
		db_wal_settle_close(db);
	/* Closing them drops SQLite's own POSIX locks, so not before. */
	if (db->back_fd >= 0)
		close(db->back_fd);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	db_labels_free(db);
	db_ahead_free(db);
	free(db->path);
	free(db->file);
	free(db);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

bool db_unchanged(struct db *db)
{
	struct stat here;

	return stat(db->file, &here) == 0 && here.st_dev == db->opened.st_dev &&
	       here.st_ino == db->opened.st_ino && here.st_size == db->opened.st_size &&
	       here.st_mtim.tv_sec == db->opened.st_mtim.tv_sec &&
	       here.st_mtim.tv_nsec == db->opened.st_mtim.tv_nsec;
}
