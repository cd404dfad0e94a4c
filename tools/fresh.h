/* SPDX-License-Identifier: MIT */
/* A command that fails leaves no database behind where there was none. */
#ifndef TOOLS_FRESH_H
#define TOOLS_FRESH_H

#include <stdbool.h>

#include "db/db.h"

/* Asked before it is opened: there is no file at path, which opening would make. */
bool fresh_is(const char *path);

/*
 * Removes a database that was fresh, after undoing what is not committed. Somebody else
 * may have got at it meanwhile: only what holds nothing goes. db stays open, and holds
 * the writer's lock.
 */
void fresh_remove(struct db *db);

#endif
