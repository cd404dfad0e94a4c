/* SPDX-License-Identifier: MIT */
/* Drift, settled: the database follows the staging tree. */
#ifndef TOOLS_REPAIR_H
#define TOOLS_REPAIR_H

#include "tools/drift_list.h"

/*
 * Lets names have the records that they should have. A name keeps its record, or has the
 * one that moved to it; what is split gets a copy; further names of a recorded staging
 * file have its record, and every other file gets a silent one. What no name has then is
 * dropped.
 *
 * For the whole tree, all names are made anew, which mends a damaged tree of names too.
 * Otherwise only what is in the scope is settled, with what has to be settled for it
 * (drift_choose()); all other names and records stay as they are.
 *
 * In a transaction of the caller's; the engine must be opened anew afterwards. drift is
 * all that there was (free it, also after an error); what was settled is chosen in it.
 */
int repair_tree(struct engine *en, const struct drift_scope *s, struct drift_list *drift,
	struct err *e);

/* What was done about it, in words. */
const char *repair_done(enum drift_kind kind);

#endif
