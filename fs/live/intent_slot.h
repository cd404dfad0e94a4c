/* SPDX-License-Identifier: MIT */
/* The intent's file: one of these, as this machine has it in memory. */
#ifndef FS_LIVE_INTENT_SLOT_H
#define FS_LIVE_INTENT_SLOT_H

#include "fs/live/intent.h"

#define INTENT_MAGIC "livery02"

struct intent_slot {
	char magic[8];
	_Atomic uint32_t kind;
	int64_t from_parent, to_parent;
	uint64_t ino;
	int64_t since; /* when it was noted, nanoseconds since 1970 */
	struct db_record record;
	char from[DB_NAME_MAX + 1], to[DB_NAME_MAX + 1];
	char label[DB_LABEL_MAX + 1];
};

/* settle.c: does it, in a transaction of the caller's. */
int slot_settle(
	const struct intent_slot *s, struct stage *stage, struct db *db, struct err *e);

char *intent_path(struct db *db, struct err *e);

#endif
