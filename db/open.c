/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "db/internal.h"

#define HEADER_BYTES                                                                     \
	100 /* https://www.sqlite.org/fileformat.html#the_database_header                \
	     */

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * What can be told without SQLite, so that a file which is no database is never opened
 * for writing. An empty file passes: it is what a crash right after creation leaves.
 */
static int check_header(int fd, const char *path, struct err *e)
{
	unsigned char h[HEADER_BYTES];
	struct stat st;
	uint64_t page;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot examine the database");
	if (!S_ISREG(st.st_mode))
		return err_set(
			e, ERR_INPUT, "%s: not a regular file, so no database", path);
	if (st.st_size == 0)
		return 0;
	n = pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return err_sys(e, path, "cannot read the database");
	if (n < HEADER_BYTES || memcmp(h, "SQLite format 3", 16) != 0)
		return err_set(e, ERR_INPUT, "%s: not an SQLite database", path);
	/* SQLite would put files of its own beside it, for a reader too. */
	if (h[18] != 1 || h[19] != 1)
		return err_set(e, ERR_INPUT,
			"%s: an SQLite database, but not in the format of livery's "
			"(rollback journal)",
			path);
	page = (uint64_t)h[16] << 8 | h[17];
	if (page == 1)
		page = 65536;
	/* The page count counts only where the two change counters agree. */
	if (be32(h + 24) == be32(h + 92) && (uint64_t)st.st_size < page * be32(h + 28))
		return err_set(e, ERR_INPUT,
			"%s: damaged: cut off after %lld of %llu bytes", path,
			(long long)st.st_size, (unsigned long long)(page * be32(h + 28)));
	return 0;
}

static int open_file(const char *path, enum db_mode mode, struct err *e)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd;

	/* An exclusive lock wants a descriptor that can write. */
	flags |= mode == DB_READ || mode == DB_SEALED ? O_RDONLY : O_RDWR;
	if (mode == DB_CREATE)
		flags |= O_CREAT;
	fd = open(path, flags, 0666);
	if (fd < 0)
		return err_sys(e, path,
			mode == DB_CREATE ? "cannot make the database"
					  : "cannot open the database");
	return fd;
}

static int open_sqlite(struct db *db, bool writable, struct err *e)
{
	int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc = sqlite3_open_v2(db->path, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return db_fail(db, e, "open");
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, 10000);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db->sql, SQLITE_LIMIT_LENGTH, 16 << 20);
	sqlite3_limit(db->sql, SQLITE_LIMIT_ATTACHED, 0);
	return db_exec(db,
		"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
		"PRAGMA cache_size = -16384; PRAGMA synchronous = FULL",
		e);
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

	if (asprintf(&journal, "%s-journal", db->path) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	rc = stat(journal, &st);
	free(journal);
	if (rc < 0 || st.st_size == 0)
		return 0;
	rc = sqlite3_open_v2(
		db->path, &sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(sql, 10000);
		rc = sqlite3_exec(
			sql, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	}
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

static int64_t data_version(struct db *db)
{
	sqlite3_stmt *s = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db->sql, "PRAGMA data_version", -1, &s, NULL) ==
			SQLITE_OK &&
		sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

int db_open(struct db **out, const char *path, enum db_mode mode, struct err *e)
{
	bool writable = mode == DB_WRITE || mode == DB_CREATE;
	struct db *db = calloc(1, sizeof(*db));

	*out = NULL;
	if (!db || !(db->path = strdup(path))) {
		free(db);
		return err_set(e, ERR_SYS, "out of memory");
	}
	db->mode = mode;
	db->lock_fd = open_file(path, mode, e);
	if (db->lock_fd < 0 || check_header(db->lock_fd, path, e) < 0 ||
		db_lock(db->lock_fd, path, mode, e) < 0 || recover(db, e) < 0 ||
		open_sqlite(db, writable, e) < 0 ||
		db_schema_prepare(db, writable, e) < 0 || db_labels_load(db, e) < 0) {
		db_close(db);
		return -1;
	}
	db->data_version = data_version(db);
	*out = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(db->stmts[i]);
	sqlite3_close(db->sql);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	db_labels_free(db);
	free(db->path);
	free(db);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

bool db_unchanged(struct db *db)
{
	struct stat here, opened;

	return stat(db->path, &here) == 0 && fstat(db->lock_fd, &opened) == 0 &&
	       here.st_dev == opened.st_dev && here.st_ino == opened.st_ino &&
	       data_version(db) == db->data_version;
}
