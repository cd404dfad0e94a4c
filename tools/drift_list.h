/* SPDX-License-Identifier: MIT */
/* All drift of a tree, and what of it has to be settled together. */
#ifndef TOOLS_DRIFT_LIST_H
#define TOOLS_DRIFT_LIST_H

#include "tools/drift.h"

struct drift_item {
	struct drift d;
	char *path, *to; /* d's */
	bool chosen;     /* to be settled */
};

struct drift_list {
	struct drift_item *items; /* by kind and path */
	size_t count, room;
	struct drift_item **by_old; /* gone and moved, by the path that they had */
	struct drift_item **by_new; /* all but gone, by the path of the file now */
	size_t old_count, new_count;
	bool no_memory;
};

/* Reads the whole tree. */
int drift_list_read(struct drift_list *l, struct engine *en, struct err *e);

#define cleanup_drift_list __attribute__((cleanup(drift_list_free)))
void drift_list_free(struct drift_list *l);

/* Paths in the tree without leading '/'; none stands for the whole tree. */
struct drift_scope {
	const char *const *paths;
	size_t count;
};

/* Its file is or was at one of the paths, or below. */
bool drift_in_scope(const struct drift_scope *s, const struct drift *d);

/*
 * Chooses an item, with all that has to be settled for it or together with it: the
 * directories above the file, what moved away from a name that is now another's, and what
 * the database has below a name that goes, or goes elsewhere.
 */
void drift_choose(struct drift_list *l, struct drift_item *i);
void drift_choose_scope(struct drift_list *l, const struct drift_scope *s);

/* The first item whose file is at this path; several stand together. NULL: none. */
struct drift_item *drift_at(const struct drift_list *l, const char *path);

/* The record that moved to this path, 0: none. */
int64_t drift_moved_to(const struct drift_list *l, const char *path);

#endif
