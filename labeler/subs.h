/* SPDX-License-Identifier: MIT */
/*
 * Path substitutions (file_contexts.subs_dist and .subs, selabel_file(5)): a path at or
 * below a source is looked up as if it were at or below the destination. Of several lines
 * that fit one counts: the first in libselinux 3.8, the last in 3.4 and 3.11.
 */
#ifndef LABELER_SUBS_H
#define LABELER_SUBS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "labeler/policy.h"

struct sub {
	const char *file; /* as in struct labeler_rule */
	unsigned line;
	char *from, *to;
	size_t from_len, to_len;
};

struct subs {
	struct sub *list;
	size_t count, room;
};

/* s is zeroed before; subs_free() after success and failure. 0, or -1 with errno ENOMEM.
 */
int subs_make(struct subs *s, const struct policy_file *f);
void subs_free(struct subs *s);

/*
 * The first and the last line that fit a path, or NULL. With below set, path is that of a
 * directory with a '/' behind it, and the lines must fit all names in that directory.
 */
void subs_find(const struct subs *s, const char *path, size_t len, bool below,
	const struct sub **first, const struct sub **last);

/* The path after it, appended to out. 0, or -1 with errno ENOMEM. */
int subs_apply(const struct sub *s, const char *path, size_t len, struct buf *out);

/* Whether a source begins with these bytes and goes on: some names below are special. */
bool subs_below(const struct subs *s, const char *bytes, size_t len);

#endif
