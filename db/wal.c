/* SPDX-License-Identifier: MIT */
/*
 * In and out of the write-ahead log. A view that writes has the file in WAL mode and
 * turns it back when it ends. After a kill the log is still there, and whoever opens the
 * database next and can have the writer's place brings it in ("settles").
 *
 * SQLite's own locks are POSIX locks: they end when any descriptor of the file is closed
 * in this process, so none may be while a connection is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "common/mapped.h"
#include "common/quote.h"
#include "db/internal.h"

#define CHECKPOINT_PAGES 16384 /* 64 MiB of log: fewer, and each commit costs more */
#define LEAVE_TRIES      50    /* 20 ms each, for readers that are about to end */

bool db_is_wal(int fd)
{
	unsigned char version[2];

	/* https://www.sqlite.org/fileformat.html#file_format_version_numbers */
	return pread(fd, version, sizeof(version), 18) == sizeof(version) &&
	       version[0] == 2 && version[1] == 2;
}

/* The mode that the file has afterwards. SQLITE_OK, SQLITE_BUSY, or another code. */
static int journal_mode(sqlite3 *sql, const char *mode)
{
	char text[64];
	sqlite3_stmt *s = NULL;
	int rc;

	snprintf(text, sizeof(text), "PRAGMA journal_mode = %s", mode);
	rc = sqlite3_prepare_v2(sql, text, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *is = (const char *)sqlite3_column_text(s, 0);

		rc = is && strcmp(is, mode) == 0 ? SQLITE_OK : SQLITE_CANTOPEN;
	}
	sqlite3_finalize(s);
	return rc;
}

/* Somebody who reads keeps it from leaving: it stays as it is, which costs nothing. */
static int leave(sqlite3 *sql, int tries)
{
	static const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
	int rc = sqlite3_exec(sql, "PRAGMA synchronous = FULL", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = journal_mode(sql, "delete");
	while ((rc & 0xff) == SQLITE_BUSY && --tries > 0) {
		nanosleep(&moment, NULL);
		rc = journal_mode(sql, "delete");
	}
	if ((rc & 0xff) == SQLITE_BUSY)
		sqlite3_wal_checkpoint_v2(
			sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return rc;
}

static int cannot_settle(
	struct db *db, enum err_code code, int sys, const char *why, struct err *e)
{
	err_set(e, code,
		"%s: the view that wrote to it was killed, and what it left in %s-wal "
		"has to be brought in first: %s; a command of who may write to both and "
		"to their directory does that ('livery status', say)",
		db->path, db->file, why);
	e->sys = sys;
	return -1;
}

/*
 * SQLite overlooks a log that it cannot remove, and would leave it beside a file that has
 * no log. 0, or an errno.
 */
static int cannot_remove_log(const struct db *db)
{
	cleanup_free char *log = NULL;
	struct stat dir, st;
	char *slash;
	bool mine;

	if (asprintf(&log, "%s-wal", db->file) < 0)
		return ENOMEM;
	mine = stat(log, &st) < 0 || st.st_uid == geteuid();
	slash = strrchr(log, '/');
	slash[slash == log] = '\0';
	if (faccessat(AT_FDCWD, log, W_OK | X_OK, AT_EACCESS) < 0 || stat(log, &dir) < 0)
		return errno;
	if (dir.st_mode & S_ISVTX && !mine && dir.st_uid != geteuid() && geteuid() != 0)
		return EPERM;
	return 0;
}

/* On a connection of its own; the caller has the writer's byte. */
static int settle(struct db *db, struct err *e)
{
	int sys = cannot_remove_log(db);
	sqlite3 *sql = NULL;
	char why[512];
	int rc;

	if (sys)
		return cannot_settle(db, ERR_SYS, sys, strerror(sys), e);
	rc = db_connect(db->file, true, &sql);
	if (rc == SQLITE_OK)
		rc = leave(sql, 1);
	quote_path(why, sizeof(why), sqlite3_errmsg(sql));
	sys = sqlite3_system_errno(sql);
	sqlite3_close(sql);
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_BUSY:
		return 0;
	case SQLITE_FULL:
		return cannot_settle(db, ERR_SYS, ENOSPC, why, e);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return cannot_settle(db, ERR_SYS, sys ? sys : EIO, why, e);
	default:
		return cannot_settle(db, ERR_INPUT, 0, why, e);
	}
}

/* The same file, so that it can be locked exclusively. */
static int reopen_writable(const struct db *db)
{
	char proc[DESCRIPTOR_PATH];

	return open(descriptor_path(db->lock_fd, proc),
		O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* Readers: 1 with the writer's byte on lock_fd, 0 where it cannot be had now. */
static int borrow_place(struct db *db, struct err *e)
{
	int fd = reopen_writable(db);

	if (fd < 0) {
		int sys = errno;

		/* A view that was about to end, or to begin, needs no help. */
		if (!db_is_wal(db->lock_fd) || db_lock_held(db->lock_fd, LOCK_LIVE))
			return 0;
		return cannot_settle(db, ERR_SYS, sys, strerror(sys), e);
	}
	close(db->lock_fd);
	db->lock_fd = fd;
	return db_lock_set(fd, LOCK_WRITER, F_WRLCK) == 0;
}

int db_wal_settle_open(struct db *db, struct err *e)
{
	bool reader = db->mode == DB_READ || db->mode == DB_SEALED;
	int rc = 1;

	if (!db_is_wal(db->lock_fd) || db_lock_held(db->lock_fd, LOCK_LIVE))
		return 0;
	if (reader)
		rc = borrow_place(db, e);
	if (rc <= 0)
		return rc;
	/* Only now nobody else does the same. */
	if (db_is_wal(db->lock_fd) && !db_lock_held(db->lock_fd, LOCK_LIVE))
		rc = db_wal_check_length(db, e) < 0 ? -1 : settle(db, e);
	if (reader)
		db_lock_set(db->lock_fd, LOCK_WRITER, F_UNLCK);
	return rc < 0 ? -1 : 0;
}

void db_wal_settle_close(struct db *db)
{
	struct err ignored;
	cleanup_close int fd = -1;

	if (!db_is_wal(db->lock_fd) || db_lock_held(db->lock_fd, LOCK_LIVE))
		return;
	if (db->mode == DB_READ || db->mode == DB_SEALED) {
		db_lock_set(db->lock_fd, LOCK_WRITER, F_UNLCK);
		fd = reopen_writable(db);
		if (fd < 0 || db_lock_set(fd, LOCK_WRITER, F_WRLCK) < 0 ||
			!db_is_wal(fd) || db_lock_held(fd, LOCK_LIVE))
			return;
	}
	/* What fails here is told to who opens it next. */
	settle(db, &ignored);
}

void db_wal_stay(struct db *db)
{
	struct err ignored;
	sqlite3_stmt *s;

	if (!db->wal || db->stays)
		return;
	/* Not read to its end, it holds what it saw. Without it all goes on as well. */
	s = db_stmt(db, STMT_STAY, &ignored);
	db->stays = s && sqlite3_step(s) == SQLITE_ROW;
}

void db_wal_move(struct db *db)
{
	if (db->stays)
		sqlite3_reset(db->stmts[STMT_STAY]);
	db->stays = false;
}

/* Only noted: the right to read that is still held would keep most of it from going. */
static int log_grew(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct db *db = arg;

	(void)sql;
	(void)name;
	db->log_long = pages >= CHECKPOINT_PAGES;
	return SQLITE_OK;
}

void db_wal_shorten(struct db *db)
{
	if (!db->log_long)
		return;
	db->log_long = false;
	db_wal_move(db);
	/* What hinders it now may not the next time. */
	sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int db_checkpoint(struct db *db, bool trim, struct err *e)
{
	int rc;

	db_wal_move(db);
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL,
		trim ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL,
		NULL);

	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY
		       ? 0
		       : db_fail(db, e, "bring in the log");
}

/* The index of the log, which SQLite maps, and takes where it is there and empty. */
static char *make_index(const struct db *db)
{
	cleanup_close int fd = -1;
	char *path = NULL;

	if (!mapped_wants_room(db->lock_fd) || asprintf(&path, "%s-shm", db->file) < 0)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		mapped_in_place(fd);
		return path;
	}
	free(path);
	return NULL;
}

static int enter(const struct db *db)
{
	cleanup_free char *made = make_index(db);
	int rc = journal_mode(db->sql, "wal");

	/* Nobody has it as long as the file is in no WAL mode. */
	if (rc != SQLITE_OK && made && !db_is_wal(db->lock_fd))
		unlink(made);
	return rc;
}

int db_wal_enter(struct db *db, struct err *e)
{
	int rc = enter(db);

	if (rc == SQLITE_CANTOPEN && sqlite3_errcode(db->sql) == SQLITE_ROW)
		return err_set(e, ERR_INPUT,
			"%s: no view that writes is possible here: the filesystem cannot "
			"map SQLite's write-ahead log",
			db->path);
	if (rc != SQLITE_OK)
		return db_fail(db, e, "begin a write-ahead log");
	db->wal = true;
	sqlite3_wal_hook(db->sql, log_grew, db);
	if (db_exec(db, "PRAGMA synchronous = NORMAL", e) < 0 ||
		db_pragma(db, "PRAGMA data_version", &db->data_version, e) < 0)
		return -1;
	db->back_fd = reopen_writable(db);
	return db->back_fd < 0 ? err_sys(e, db->path, "cannot open the database") : 0;
}

void db_wal_leave(struct db *db)
{
	/* A command that borrowed settles it when it ends. */
	if (db->lent && !db->back && db_lock_set(db->lock_fd, LOCK_WRITER, F_WRLCK) < 0)
		return;
	if (cannot_remove_log(db) == 0)
		leave(db->sql, LEAVE_TRIES);
}

static int sync_failed(struct db *db, int sys, struct err *e)
{
	errno = sys ? sys : EIO;
	return err_sys(e, db->path, "cannot sync the database");
}

/*
 * Through SQLite's own descriptor of the log, whose first sync takes the directory with
 * it. What a checkpoint took out of the log it has synced itself.
 */
int db_sync(struct db *db, struct err *e)
{
	sqlite3_file *log = NULL;
	int sys = 0;

	if (!db->wal)
		return 0;
	if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) !=
			SQLITE_OK ||
		!log || !log->pMethods)
		return fsync(db->lock_fd) < 0 ? sync_failed(db, errno, e) : 0;
	if (log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) == SQLITE_OK)
		return 0;
	log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &sys);
	return sync_failed(db, sys, e);
}
