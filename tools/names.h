/* SPDX-License-Identifier: MIT */
/*
 * Names of users and groups as the staging tree's own etc/passwd and etc/group give them
 * (passwd(5), group(5)); the host's never count. A tree without these files has no names,
 * and links on the way to them are not followed. Numbers need neither file.
 */
#ifndef TOOLS_NAMES_H
#define TOOLS_NAMES_H

#include <stdint.h>

#include "fs/stage.h"

struct names;

/* A file that cannot be read fails only what needs a name from it. */
int names_open(struct names **out, const struct stage *stage, struct err *e);
void names_close(struct names *n); /* NULL is fine */

/* -1 where a file is there and could not be read; behind a link there is none. */
int names_check(const struct names *n, struct err *e);

/* NULL where the tree does not name that id; valid until names_close(). */
const char *names_user(const struct names *n, uint32_t uid);
const char *names_group(const struct names *n, uint32_t gid);

/*
 * "OWNER", "OWNER:GROUP", ":GROUP", "OWNER:" (its login group), by name or number, as
 * chown(1) takes it. What is not said stays as it is in *uid and *gid.
 */
int names_parse_owner(const struct names *n, const char *text, uint32_t *uid,
	uint32_t *gid, struct err *e);

/* -1 for what is wrong whatever the names are. */
int names_owner_syntax(const char *text, struct err *e);

#endif
