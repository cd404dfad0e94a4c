/* SPDX-License-Identifier: MIT */
/*
 * Who may use the database. Bytes far behind SQLite's own lock bytes (which start at
 * 1 GiB, see its os.h): the first is locked shared by sealed views and exclusively by the
 * writer. A view that writes also has the second as long as it is up, so that it can be
 * told from a command, and has its place when it lends the first (loan.c).
 * Open-file-description locks (fcntl(2)) do not interfere with SQLite's, and the kernel
 * drops them with their holder, so that none is ever stale.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "db/internal.h"

#define WAIT_NS       (20 * 1000 * 1000)
#define WAITS         3   /* for who only looks whether it may come in */
#define WAITS_SETTLED 100 /* for who brings in what a killed view left */

static struct flock one_byte(enum db_lock_byte byte, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

int db_lock_set(int fd, enum db_lock_byte byte, short type)
{
	struct flock lock = one_byte(byte, type);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

int db_lock_wait(int fd, enum db_lock_byte byte)
{
	struct flock lock = one_byte(byte, F_WRLCK);

	return fcntl(fd, F_OFD_SETLKW, &lock);
}

/* F_UNLCK: nobody else has it. What cannot be told counts as held. */
static short held_as(int fd, enum db_lock_byte byte)
{
	struct flock lock = one_byte(byte, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? F_WRLCK : lock.l_type;
}

bool db_lock_held(int fd, enum db_lock_byte byte)
{
	return held_as(fd, byte) != F_UNLCK;
}

/* A view that writes is there, whether it lends or not. */
static int busy_live(const struct db *db, const struct db_holder *h, struct err *e)
{
	if (db->mode == DB_LIVE)
		return err_set(e, ERR_BUSY,
			"%s: a view that writes shows this tree already%s: use that one, "
			"or end it with 'livery umount' first",
			db->path, h->text);
	if (db->mode == DB_SEALED)
		return err_set(e, ERR_BUSY,
			"%s: a view that writes shows this tree%s: there can be that "
			"one, or sealed views; end it with 'livery umount' first",
			db->path, h->text);
	return err_set(e, ERR_BUSY,
		"%s: a view that writes shows this tree%s, and commands reach it only "
		"where its mount point can be reached; else end it with 'livery umount' "
		"first",
		db->path, h->text);
}

static int busy(const struct db *db, short type, struct err *e)
{
	struct db_holder h;

	db_holder_find(db->lock_fd, LOCK_WRITER, &h);
	if (type == F_RDLCK && db->mode == DB_LIVE)
		return err_set(e, ERR_BUSY,
			"%s: a sealed view shows this database%s: there can be sealed "
			"views, or one that writes; end it with 'livery umount' first",
			db->path, h.text);
	if (type == F_RDLCK)
		return err_set(e, ERR_BUSY,
			"%s: a sealed view shows this database%s; end it with 'livery "
			"umount' before you change anything",
			db->path, h.text);
	if (h.live)
		return busy_live(db, &h, e);
	return err_set(e, ERR_BUSY,
		"%s: another command is writing to this database%s; wait until it ends",
		db->path, h.text);
}

/*
 * Some hold the writer's byte for a moment only: who looks whether it may come in, and
 * who puts in order what a killed view left, which a command that only reads does too.
 */
static int lock_writer(struct db *db, struct err *e)
{
	static const struct timespec moment = {.tv_nsec = WAIT_NS};
	short type = db->mode == DB_SEALED ? F_RDLCK : F_WRLCK;

	for (int waits = 0; db_lock_set(db->lock_fd, LOCK_WRITER, type) < 0; waits++) {
		bool settled;
		short held;

		if (errno != EAGAIN && errno != EACCES)
			return err_sys(e, db->path, "cannot lock the database");
		settled = db_is_wal(db->lock_fd) && !db_lock_held(db->lock_fd, LOCK_LIVE);
		held = held_as(db->lock_fd, LOCK_WRITER);
		if (held == F_RDLCK || waits >= (settled ? WAITS_SETTLED : WAITS))
			return busy(db, held, e);
		nanosleep(&moment, NULL);
	}
	return 0;
}

static int refuse_live(struct db *db, struct err *e)
{
	struct db_holder h;

	db_lock_set(db->lock_fd, LOCK_WRITER, F_UNLCK);
	db_holder_find(db->lock_fd, LOCK_LIVE, &h);
	return busy_live(db, &h, e);
}

int db_lock(struct db *db, struct err *e)
{
	bool view = db->mode == DB_SEALED || db->mode == DB_LIVE;

	if (db->mode == DB_READ)
		return 0;
	/* What a view lends is for commands. Looked at before, so as not to be in their
	 * way, and after. */
	if (view && db_lock_held(db->lock_fd, LOCK_LIVE))
		return refuse_live(db, e);
	if (lock_writer(db, e) < 0)
		return -1;
	if (view && db_lock_held(db->lock_fd, LOCK_LIVE))
		return refuse_live(db, e);
	if (db->mode == DB_LIVE && db_lock_set(db->lock_fd, LOCK_LIVE, F_WRLCK) < 0)
		return refuse_live(db, e);
	return 0;
}
