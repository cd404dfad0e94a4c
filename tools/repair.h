/* SPDX-License-Identifier: MIT */
/* Drift, settled: the database follows the staging tree. */
#ifndef TOOLS_REPAIR_H
#define TOOLS_REPAIR_H

#include "tools/drift.h"

/*
 * Lets the records of files that were moved follow them. In a transaction of the
 * caller's; the engine must be opened anew afterwards. Calls back for each; returns their
 * number.
 */
int repair_moved(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e);

/*
 * Drops records whose file is gone, and gives a record to each file that has none of its
 * own. As above.
 */
int repair_rest(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e);

#endif
