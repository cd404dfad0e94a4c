/* SPDX-License-Identifier: MIT */
/*
 * A directory as it is in the staging tree, with its names' records: all that is asked of
 * kernel and database before its nodes can be made. Nothing here tells findings.
 */
#ifndef FS_DIRLIST_H
#define FS_DIRLIST_H

#include "fs/node.h"

/* Which directory is meant. */
struct dirlist_key {
	uint64_t dev, ino;
	int64_t record; /* 0: it has none */
};

struct dirlist {
	struct dirlist_key key;
	struct seen seen; /* the directory itself, before its names were read */
	struct stage_list list;
	struct db_record *records; /* one for each name of the list; id 0: none */
	/* Those that have no attributes in the staging tree; NULL: not looked at. */
	bool *bare;
};

/*
 * Reads the directory at a path, without its records. ERR_REFUSED: another one is there
 * now. After an error too it is for dirlist_free().
 */
int dirlist_read(struct dirlist *l, const struct engine *en, const char *path,
	const struct dirlist_key *key, bool attributes, struct err *e);

/* Adds the records; load_lock held. */
int dirlist_merge(struct dirlist *l, struct engine *en, struct err *e);

void dirlist_free(struct dirlist *l);
/* The same for one that was malloc'd; NULL is fine. */
void dirlist_drop(struct dirlist *l);

#endif
