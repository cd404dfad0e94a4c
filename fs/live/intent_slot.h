/* SPDX-License-Identifier: MIT */
/* The intent's file: one of these, as this machine has it in memory. */
#ifndef FS_LIVE_INTENT_SLOT_H
#define FS_LIVE_INTENT_SLOT_H

#include "fs/live/intent.h"

#define INTENT_MAGIC "livery01"

struct intent_slot {
	char magic[8];
	_Atomic uint32_t kind;
	int64_t from_parent, to_parent;
	uint64_t ino;
	struct db_record record;
	char from[DB_NAME_MAX + 1], to[DB_NAME_MAX + 1];
	char label[DB_LABEL_MAX + 1];
};

char *intent_path(struct db *db, struct err *e);

#endif
