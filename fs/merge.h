/* SPDX-License-Identifier: MIT */
/* A directory's names in the staging tree and in the database, brought together. */
#ifndef FS_MERGE_H
#define FS_MERGE_H

#include "db/db.h"
#include "fs/stage.h"

/*
 * Fills records, one for each entry of the list (id 0: has none), from the names in the
 * directory whose record is parent. Whether a record holds is for the caller to say.
 * Names that the list has not are passed by.
 */
int merge_records(struct db *db, int64_t parent, const struct stage_list *list,
	struct db_record *records, struct err *e);

#endif
