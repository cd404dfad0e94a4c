/* SPDX-License-Identifier: MIT */
/*
 * The view that writes: what programs do to it is done to the staging tree and the
 * database at once, as a filesystem does it for root. It knows no libfuse.
 *
 * Nothing is held to what was seen before: each answer is made from the staging tree as
 * it is then, so direct changes beside the view are simply there. Only records are kept
 * in memory, since nobody else may write to the database; a command that wants to borrows
 * it (live_lend()).
 *
 * A change is committed to the database's write-ahead log before the call returns. What
 * touches both sides notes itself first where it survives this process
 * (fs/live/intent.h).
 *
 * A node stands for an inode that the kernel knows. It lives from the call that hands it
 * out until the kernel has forgotten it as often.
 *
 * All functions but live_open() and live_close() are safe to call from several threads.
 * Those that return int give 0 (or a count) and -errno.
 */
#ifndef FS_LIVE_LIVE_H
#define FS_LIVE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/err.h"
#include "db/db.h"
#include "fs/stage.h"
#include "labeler/labeler.h"

struct live;
struct live_node;

struct live_options {
	uint32_t uid, gid; /* of new files, and where no record says otherwise */
	bool no_labels;    /* do not show security.selinux */
	/* Labels new files; NULL: they get none. Stays the caller's, used under a lock.
	 */
	struct labeler *labeler;
	/* What went wrong and no program's errno can say; from any thread. */
	void (*say)(void *arg, const char *text);
	void *say_arg;
};

/*
 * Takes over stage and db (also when it fails); db is open with DB_LIVE. Settles what a
 * view that was killed left behind.
 */
int live_open(struct live **out, struct stage *stage, struct db *db,
	const struct live_options *o, struct err *e);

/* Makes all durable, also against a power cut. Returns 0, or -1 with e set. */
int live_close(struct live *l, struct err *e);

struct stage *live_stage(struct live *l);
struct db *live_db(struct live *l);
struct live_node *live_root(struct live *l);

/* A node with one reference of the kernel's more, and what it shows. */
struct live_entry {
	struct live_node *node;
	struct stat st;
};

int live_lookup(
	struct live *l, struct live_node *dir, const char *name, struct live_entry *out);
void live_forget(struct live *l, struct live_node *n, uint64_t count);
/*
 * The node at a path as live_path() gives it ("" is the root); no symbolic link is
 * followed. -EINVAL for a path that is not of that form, -ENOTDIR where it leads through
 * what is no directory.
 */
int live_find(struct live *l, const char *path, struct live_entry *out);
int live_stat(struct live *l, struct live_node *n, struct stat *st);

/* access(2) as root gets it: X_OK wants one of the three bits. */
int live_access(struct live *l, struct live_node *n, int mask);

/*
 * Directories. Between live_dir_begin() and live_dir_end(), of one caller at a time, the
 * listing can be read by position from 0; it is made by the first begin, and made anew by
 * one that says so. live_dir_look() looks a name up, as live_lookup() does. live_close()
 * closes what is still open: at an unmount, the kernel does not wait for its releases.
 */
struct live_dir;
struct live_dirent {
	const char *name; /* lives as long as the listing */
	uint64_t ino;
	uint32_t type; /* S_IFMT bits */
};
struct live_dir *live_opendir(struct live *l, struct live_node *n); /* NULL: no memory */
void live_closedir(struct live_dir *d);
int live_dir_begin(struct live_dir *d, bool anew);
void live_dir_end(struct live_dir *d);
bool live_dir_at(struct live_dir *d, size_t position, struct live_dirent *out);
/* The inode numbers of "." and "..". */
void live_dir_dots(struct live_dir *d, uint64_t *self, uint64_t *above);
int live_dir_look(struct live_dir *d, const char *name, struct live_entry *out);

/* What setattr is to change; the bits say which of st counts. */
enum {
	LIVE_MODE = 1,
	LIVE_UID = 2,
	LIVE_GID = 4,
	LIVE_SIZE = 8,
	LIVE_ATIME = 16,
	LIVE_MTIME = 32,
	LIVE_ATIME_NOW = 64,
	LIVE_MTIME_NOW = 128,
};
int live_setattr(struct live *l, struct live_node *n, const struct stat *st, int what,
	struct stat *out);

struct live_new {
	uint32_t mode; /* type and permissions, before umask */
	uint32_t umask;
	uint64_t rdev;
	const char *target; /* of a symbolic link */
};
int live_make(struct live *l, struct live_node *dir, const char *name,
	const struct live_new *what, struct live_entry *out);
/* Without a name (O_TMPFILE): as one that was removed while it is open. */
int live_make_unnamed(struct live *l, struct live_node *dir, const struct live_new *what,
	bool may_be_named, struct live_entry *out);
/* One that is open and has no name, by its number in the view; -ENOENT. */
int live_find_unnamed(struct live *l, uint64_t ino, struct live_entry *out);
int live_link(struct live *l, struct live_node *n, struct live_node *dir,
	const char *name, struct live_entry *out);
int live_remove(struct live *l, struct live_node *dir, const char *name, bool directory);
int live_rename(struct live *l, struct live_node *dir, const char *name,
	struct live_node *to_dir, const char *to_name, unsigned flags);

/* NUL-terminated; its length. */
int live_readlink(struct live *l, struct live_node *n, char *buf, size_t size);

/* Content of regular files. Made or written a moment ago, and still empty: */
bool live_is_new(struct live *l, const struct live_node *n);
ssize_t live_read(struct live *l, struct live_node *n, void *buf, size_t size, off_t off);
#define LIVE_END (-1) /* for off: wherever that is now */
ssize_t live_write(
	struct live *l, struct live_node *n, const void *buf, size_t size, off_t off);
off_t live_seek(struct live *l, struct live_node *n, off_t off, int whence);
int live_fallocate(struct live *l, struct live_node *n, int mode, off_t off, off_t len);
ssize_t live_copy(struct live *l, struct live_node *from, off_t from_off,
	struct live_node *to, off_t to_off, size_t len, unsigned flags);
/* Of directories too; what they show survives a power cut then. */
int live_fsync(struct live *l, struct live_node *n, bool data_only);
/* All that was acknowledged survives a power cut, once this returns. -EBUSY while lent.
 */
int live_sync(struct live *l);
int live_statvfs(struct live *l, struct statvfs *sv);

/*
 * Attributes. raw: past what the kernel would refuse (fs/side.h), trusted.* too. Lists
 * are names with NUL, sorted bytewise.
 */
int live_getxattr(struct live *l, struct live_node *n, const char *name, bool raw,
	struct buf *value);
int live_listxattr(struct live *l, struct live_node *n, bool raw, struct buf *names);
int live_setxattr(struct live *l, struct live_node *n, const char *name,
	const void *value, size_t len, int flags, bool raw);
int live_removexattr(struct live *l, struct live_node *n, const char *name, bool raw);

/* The path in the staging tree, and the label as the view means it ("" none). */
int live_path(struct live *l, struct live_node *n, struct buf *path);
int live_label(struct live *l, struct live_node *n, struct buf *label);

/*
 * Gives the database to a command that has borrowed it (db_borrow()); changes wait until
 * it is back, reads go on. live_returned() is over once no loan is left, and all know it.
 * Neither waits: done() is called, now or later, in any thread, with 0 or -errno.
 */
typedef void live_done_fn(void *arg, int rc);
void live_lend(struct live *l, live_done_fn *done, void *arg);
void live_returned(struct live *l, live_done_fn *done, void *arg);

/*
 * While the database is lent, a change can be put off, so that no thread has to wait with
 * it: it is called when the database is back, in another thread, before the next loan.
 * False: it is not lent any more, or there is no memory to remember this.
 */
typedef void live_later_fn(void *arg);
bool live_is_lent(const struct live *l);
bool live_put_off(struct live *l, live_later_fn *change, void *arg);
void live_wait_put_off(struct live *l); /* until all of these are done */

/* Waits for a loan's end, and lends no more. */
void live_end_loans(struct live *l);

/*
 * Called after a loan, from a thread of its own, for each node whose attributes were
 * handed out lately: the kernel has to forget them. With a name (in dir), it has to
 * forget that too: another file is there now.
 */
typedef void live_changed_fn(
	void *arg, struct live_node *n, struct live_node *dir, const char *name);
void live_on_change(struct live *l, live_changed_fn *changed, void *arg);

/* Seconds for which a name or its attributes may be kept by who asked. */
#define LIVE_TIMEOUT 0.8

#endif
