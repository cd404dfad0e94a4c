/* SPDX-License-Identifier: MIT */
/* Drift, settled: the database follows the staging tree. */
#ifndef TOOLS_REPAIR_H
#define TOOLS_REPAIR_H

#include "tools/drift.h"

/*
 * Makes all names of the database anew from the tree. A name keeps its record, or has the
 * one that moved to it; what is split gets a copy; further names of a recorded staging
 * file have its record, and every other file gets a silent one. What no name has then is
 * dropped.
 *
 * In a transaction of the caller's; the engine must be opened anew afterwards. Calls back
 * for what drift there was; returns how much, -1 on error.
 */
int repair_tree(struct engine *en, void (*fn)(void *arg, const struct drift *d),
	void *arg, struct err *e);

#endif
