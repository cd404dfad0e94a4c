/* SPDX-License-Identifier: MIT */
/*
 * The database of a staging tree: one SQLite file that holds what the staging tree
 * cannot: owners, modes, device numbers, labels and other extended attributes.
 *
 * A record belongs to an inode. Names, that is (parent record, name), point to records;
 * a hard-linked file is one record with several names. docs/man/livery.5 describes the
 * schema. At rest the database is a single file in rollback-journal mode; while a view
 * that writes is up, it has SQLite's write-ahead log beside it.
 *
 * The file is untrusted input: what it hands out has been checked against the bounds
 * given here, and a value outside them is an error that names the record. Its schema
 * must be exactly ours (no foreign triggers or views).
 *
 * Locks: a writer excludes a second writer and every sealed view; sealed views and
 * readers do not exclude each other. A view that writes lends its place to commands, one
 * after the other (db_borrow(), db_lend()). They are open-file-description locks on bytes
 * that SQLite does not use, so they end with the process that holds them.
 *
 * A struct db is used by one thread at a time, and never across a fork.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define DB_ROOT       1          /* the record of the staging tree's own root */
#define DB_SILENT     UINT32_MAX /* mode, uid, gid: the record does not say */
#define DB_NAME_MAX   255        /* bytes of a name, without NUL */
#define DB_LABEL_MAX  4096       /* bytes of a label, without NUL */
#define DB_XNAME_MAX  255        /* bytes of an attribute's name, without NUL */
#define DB_XVALUE_MAX 65536      /* bytes of an attribute's value (XATTR_SIZE_MAX) */

struct db;

enum db_mode {
	DB_READ,   /* a snapshot to look at; holds off nobody */
	DB_SEALED, /* to read, with writers held off until db_close() */
	DB_WRITE,  /* the one writer; the file must be there */
	DB_CREATE, /* the same, and makes the file where there is none */
	DB_LIVE,   /* the writer behind a view: as DB_CREATE, with a write-ahead log */
};

/*
 * Opens the database at path. Older schemas are brought up to date by a writer, in one
 * transaction; a reader asks for that instead. Errors: ERR_SYS with ENOENT where there is
 * none, ERR_BUSY naming who holds it, ERR_INPUT for what is no database of ours, is
 * damaged or is of a newer livery; the file is untouched then.
 */
int db_open(struct db **out, const char *path, enum db_mode mode, struct err *e);

/* Rolls back what was not committed. NULL is fine. */
void db_close(struct db *db);

const char *db_path(const struct db *db);

/* True as long as path still names the file that was opened and nobody changed it. */
bool db_unchanged(struct db *db);

/*
 * One transaction around many changes. Without one, each change is its own. A committed
 * change survives the death of the process at any moment, and a power cut: with DB_LIVE
 * only after db_sync() or db_close().
 */
int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
/* False also where SQLite ended it by itself, after an error. */
bool db_in_transaction(const struct db *db);

/* DB_LIVE: what was committed so far survives a power cut. */
int db_sync(struct db *db, struct err *e);

/*
 * DB_LIVE: as much of the log as no reader needs is brought into the file. With trim, the
 * log gives its room on the disk back, if no reader is in the way.
 */
int db_checkpoint(struct db *db, bool trim, struct err *e);
/*
 * A view that writes and a command that wants to change its database. The command borrows
 * (waiting for whoever borrowed before), asks the view's daemon to lend, opens the
 * database with DB_WRITE, closes it, and ends the loan.
 *
 * db_borrow(): 1 with *out set where a view that writes has the database, 0 with *out
 * NULL where none does (or there is no database), -1 error. Both functions may close a
 * descriptor of the file, which ends SQLite's own locks in this process: no struct db of
 * that file may be open then.
 */
/* A view that writes has the database at path. */
bool db_is_live(const char *path);

struct db_loan;
int db_borrow(struct db_loan **out, const char *path, struct err *e);
void db_loan_end(struct db_loan *loan);

/*
 * Sessions that share a view which one of them has made: whoever is the last ends it. One
 * at a time begins or ends: db_session_begin() takes a place and waits for its turn,
 * which lasts until db_session_began(). db_session_last() waits for a turn again, which
 * lasts until db_session_end(), and gives the place back: true where nobody else has one.
 * What is said of descriptors above holds here too.
 */
struct db_session;
int db_session_begin(struct db_session **out, const char *path, struct err *e);
void db_session_began(struct db_session *s);
bool db_session_last(struct db_session *s);
void db_session_end(struct db_session *s);

/*
 * The daemon's side, DB_LIVE only. db_lend() gives up the writer's place. db_wait_back()
 * takes it again as soon as no loan is left: it blocks, may run in another thread than
 * the one that uses db, and touches nothing but locks; a signal ends it with an error.
 * Then db_refresh() takes note of what others changed: 1 where they did, 0, -1 error.
 * Nothing can be written from db_lend() until then, and nobody else borrows between the
 * two. Lending what is lent already is fine.
 */
int db_lend(struct db *db, struct err *e);
int db_wait_back(struct db *db, struct err *e);
int db_refresh(struct db *db, struct err *e);

/*
 * Where a staging file was when its record was written. Hints only: trees get copied.
 * All zero where nothing is known.
 */
struct db_hint {
	uint64_t dev;
	uint64_t ino;
	int64_t btime; /* nanoseconds since 1970, 0 where unknown */
};

struct db_record {
	int64_t id;    /* 1 …; 0: not stored yet */
	uint32_t type; /* S_IFMT bits of what the view shows */
	uint32_t mode; /* 07777 bits, or DB_SILENT */
	uint32_t uid;  /* or DB_SILENT */
	uint32_t gid;  /* or DB_SILENT */
	uint64_t rdev; /* as makedev(3) gives it; 0 unless a device */
	int64_t label; /* db_label_text(), 0: none */
	struct db_hint hint;
	uint32_t names;  /* that point here: 0, 1, or 2 for several; read only */
	bool has_xattrs; /* db_xattr_each() would find some; read only */
};

/* A record of that type that says nothing else. */
struct db_record db_record_new(uint32_t type);

/* 1 found, 0 not there, -1 error. */
int db_record_get(struct db *db, int64_t id, struct db_record *r, struct err *e);

/* Stores r: a new record, whose id is then set, where r->id is 0. */
int db_record_put(struct db *db, struct db_record *r, struct err *e);

/* Sets only the label of a record (0: none). */
int db_record_set_label(struct db *db, int64_t id, int64_t label, struct err *e);

/* 1 found, 0 not there, -1 error. */
int db_name_get(struct db *db, int64_t parent, const char *name, size_t len,
	struct db_record *r, struct err *e);

/* How many names point to a record; -1 on error. */
int64_t db_name_count(struct db *db, int64_t id, struct err *e);

/* How many names there are; -1 on error. */
int64_t db_name_total(struct db *db, struct err *e);

/* Lets a name point to a record; one that pointed elsewhere is dropped first. */
int db_name_put(struct db *db, int64_t parent, const char *name, size_t len, int64_t id,
	struct err *e);

/* Drops a name, and with the last name the record and all below it. No error if gone. */
int db_name_drop(
	struct db *db, int64_t parent, const char *name, size_t len, struct err *e);

/*
 * Drops a name only. *orphan is its record where that was the last name, else 0; such a
 * record stays (with what is below it) until db_record_drop(), for a file that is still
 * open. No error if the name is gone.
 */
int db_name_unlink(struct db *db, int64_t parent, const char *name, size_t len,
	int64_t *orphan, struct err *e);

/* Drops a record that has no name, with its attributes and all below it. */
int db_record_drop(struct db *db, int64_t id, struct err *e);

/*
 * To give all records their names anew, in one transaction: db_names_clear() drops every
 * name and no record, then comes db_name_put() for each, and db_drop_unnamed() drops the
 * records that have none (but the root's), with their attributes.
 */
int db_names_clear(struct db *db, struct err *e);
int db_drop_unnamed(struct db *db, struct err *e);

/* Moves a name, record and all; the new name must be free. */
int db_name_move(struct db *db, int64_t parent, const char *name, size_t len,
	int64_t new_parent, const char *new_name, size_t new_len, struct err *e);

/*
 * Calls back for each name in a directory, in bytewise order. name and record live until
 * the callback returns. A callback's non-zero answer ends the walk and is returned. The
 * callback must not change the database.
 */
typedef int db_child_fn(
	void *arg, const char *name, size_t len, const struct db_record *r);
int db_children(struct db *db, int64_t parent, db_child_fn *fn, void *arg, struct err *e);

/*
 * Reads all names and records at once, for a walk of the whole tree: until the next
 * change, db_children() answers from memory (some 150 bytes a name).
 */
int db_read_ahead(struct db *db, struct err *e);

/*
 * One path that leads to a record ("usr/bin/x", "" for the root; malloc'd), the bytewise
 * first of its names that leads to the root. 1 found, 0 if there is none, -1 error.
 */
int db_record_path(struct db *db, int64_t id, char **path, struct err *e);

/* A label's number; a new one is stored. Labels hold no NUL. -1 on error. */
int64_t db_label_intern(struct db *db, const char *context, size_t len, struct err *e);

/* A label's text; valid until db_close(), or the rollback of what made it. NULL with e
 * set where there is no such label. */
const char *db_label_text(struct db *db, int64_t label, struct err *e);

/*
 * Other attributes of a record; security.selinux is not among them. A value that is
 * stored again replaces the old one. Removing what is not there returns 0, else 1.
 */
int db_xattr_put(struct db *db, int64_t id, const char *name, const void *value,
	size_t len, struct err *e);
int db_xattr_drop(struct db *db, int64_t id, const char *name, struct err *e);

/* One value, malloc'd. 1 found, 0 there is none, -1 error. */
int db_xattr_get(struct db *db, int64_t id, const char *name, void **value, size_t *len,
	struct err *e);

/* In bytewise order of the names; as db_children(). */
typedef int db_xattr_fn(void *arg, const char *name, const void *value, size_t len);
int db_xattr_each(struct db *db, int64_t id, db_xattr_fn *fn, void *arg, struct err *e);

/* Is there any in the database whose name begins like that? 1, 0, or -1. */
int db_xattr_any(struct db *db, const char *prefix, struct err *e);

/*
 * Notes about the database itself (livery(5) lists the keys). db_note_get() returns the
 * text malloc'd in *value, NULL where there is none.
 */
int db_note_put(struct db *db, const char *key, const char *value, struct err *e);
int db_note_drop(struct db *db, const char *key, struct err *e);
int db_note_get(struct db *db, const char *key, char **value, struct err *e);

/*
 * Reads everything: SQLite's integrity check and ours (bounds, names without record,
 * records without name, cycles). Calls back with each finding; returns their number, -1
 * on error.
 */
typedef void db_finding_fn(void *arg, const char *text);
int db_check(struct db *db, db_finding_fn *fn, void *arg, struct err *e);

#endif
