/* SPDX-License-Identifier: MIT */
/* The tree that a path is in, for a path that need not exist. */
#ifndef TOOLS_LABELS_WHY_PLACE_H
#define TOOLS_LABELS_WHY_PLACE_H

#include "tools/locate.h"

/* As locate_path(), but any number of names at the path's end may be missing. */
int why_locate(struct place *p, const char *path, const char *staging, const char *db,
	struct err *e);

/*
 * As place_open() for reading. A tree without a database is fine, and opened without one,
 * unless need_db.
 */
int why_open(const struct place *p, bool need_db, struct engine **en, struct err *e);

#endif
