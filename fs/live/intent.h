/* SPDX-License-Identifier: MIT */
/*
 * What the view is about to do to staging tree and database both. It stands in a small
 * mapped file beside the database (DATABASE-intent), which outlives a process that is
 * killed at any instruction; after a clean end there is none. Whoever opens the database
 * to write next settles it: what happened in the staging tree is finished in the
 * database.
 *
 * The file is untrusted: names and numbers are checked, and settling only ever makes
 * records follow the staging tree, in which it touches nothing but INTENT_READY. One
 * operation at a time is in it.
 */
#ifndef FS_LIVE_INTENT_H
#define FS_LIVE_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "db/db.h"
#include "fs/stage.h"

struct intent;

enum intent_kind {
	INTENT_NONE,
	INTENT_MAKE,     /* to: the new name; record: what it will be */
	INTENT_LINK,     /* to: the new name of record.id */
	INTENT_REMOVE,   /* from: the name */
	INTENT_RENAME,   /* from and to; record.id, or 0 */
	INTENT_EXCHANGE, /* the same */
	INTENT_WHITEOUT, /* the same; record: the device, with the id of what moves */
};

/*
 * What is to stand in the place of a file that is renamed with RENAME_WHITEOUT lies ready
 * under this name, in the same directory, until the file has gone.
 */
#define INTENT_READY ".livery-whiteout"

struct intent_name {
	int64_t parent; /* record of the directory */
	const char *name;
};

struct intent_text {
	enum intent_kind kind;
	struct intent_name from, to;
	uint64_t ino; /* of the staging file that is moved or linked */
	const struct db_record *record;
	const char *label; /* of what is made; NULL: none */
};

/* Makes the file; one that is there must have been settled. */
int intent_open(struct intent **out, struct db *db, struct err *e);
/* Removes it too, if the end is a clean one. */
void intent_close(struct intent *i, bool clean);

void intent_set(struct intent *i, const struct intent_text *t);
void intent_clear(struct intent *i);

/*
 * Settles what is noted now, where the database failed after the staging tree had
 * changed; clears it. In no transaction. Returns 0 or -1.
 */
int intent_finish(struct intent *i, struct stage *stage, struct db *db, struct err *e);
/*
 * Settles what a view that was killed left behind: its intent, and records of files that
 * were removed while they were open. Nothing to do where its file is not there. db is
 * open for writing, and in no transaction.
 */
int intent_settle(struct stage *stage, struct db *db, struct err *e);

#endif
