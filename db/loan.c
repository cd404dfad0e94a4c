/* SPDX-License-Identifier: MIT */
/*
 * A view that writes lends its place to commands, one after the other. Who has the byte
 * LOCK_LOAN borrows; it ends with its process, and so does the loan. The view takes that
 * byte too before it takes its place again, and keeps it until it knows what was changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/internal.h"

struct db_loan {
	int fd;
};

bool db_is_live(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool live = fd >= 0 && db_lock_held(fd, LOCK_LIVE);

	if (fd >= 0)
		close(fd);
	return live;
}

/* 1 where a view that writes has the database and the loan is ours. */
static int take_loan(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot examine the database");
	if (!S_ISREG(st.st_mode) || !db_lock_held(fd, LOCK_LIVE))
		return 0;
	if (db_lock_wait(fd, LOCK_LOAN) < 0)
		return err_sys(e, path, "cannot lock the database");
	/* The view may have ended while others had it. */
	return db_lock_held(fd, LOCK_LIVE);
}

int db_borrow(struct db_loan **out, const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	*out = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, path, "cannot open the database");
	rc = take_loan(fd, path, e);
	if (rc == 1) {
		*out = malloc(sizeof(**out));
		if (*out) {
			(*out)->fd = fd;
			return 1;
		}
		rc = err_set(e, ERR_SYS, "out of memory");
	}
	close(fd);
	return rc;
}

void db_loan_end(struct db_loan *loan)
{
	if (!loan)
		return;
	close(loan->fd);
	free(loan);
}

int db_lend(struct db *db, struct err *e)
{
	if (!db->wal)
		return err_set(e, ERR_BUSY, "%s: no view that writes", db->path);
	if (db_in_transaction(db))
		return err_set(e, ERR_BUSY, "%s: a change is under way", db->path);
	/* One that borrows right after another finds it lent already. */
	if (db->lent)
		return 0;
	db_wal_move(db);
	if (db_lock_set(db->lock_fd, LOCK_WRITER, F_UNLCK) < 0)
		return err_sys(e, db->path, "cannot unlock the database");
	db->lent = true;
	return 0;
}

int db_wait_back(struct db *db, struct err *e)
{
	if (db_lock_wait(db->back_fd, LOCK_LOAN) < 0)
		return err_sys(e, db->path, "cannot wait for a command's end");
	if (db_lock_wait(db->lock_fd, LOCK_WRITER) < 0) {
		int saved = errno;

		db_lock_set(db->back_fd, LOCK_LOAN, F_UNLCK);
		errno = saved;
		return err_sys(e, db->path, "cannot lock the database");
	}
	db->back = true;
	return 0;
}

/* 1 where another connection committed something. */
static int changed(struct db *db, struct err *e)
{
	sqlite3_stmt *s = db_stmt(db, STMT_DATA_VERSION, e);
	int64_t now;

	if (!s)
		return -1;
	if (sqlite3_step(s) != SQLITE_ROW) {
		db_fail(db, e, "look for changes");
		sqlite3_reset(s);
		return -1;
	}
	now = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	if (now == db->data_version)
		return 0;
	db->data_version = now;
	return 1;
}

int db_refresh(struct db *db, struct err *e)
{
	int rc = changed(db, e);

	if (rc == 1) {
		db_ahead_free(db);
		rc = db_labels_reload(db, e) < 0 ? -1 : 1;
	}
	if (db->back) {
		db->back = false;
		db->lent = false;
		db_lock_set(db->back_fd, LOCK_LOAN, F_UNLCK);
	}
	return rc;
}
