/* SPDX-License-Identifier: MIT */
/*
 * What a path is looked up as: cleaned ("//" becomes "/", one '/' at the end goes; "."
 * and ".." stay, as libselinux has it), then substituted by .subs once and by .subs_dist
 * once.
 */
#ifndef LABELER_KEY_H
#define LABELER_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "labeler/labeler.h"
#include "labeler/policy.h"
#include "labeler/subs.h"

struct key {
	const char
		*text; /* the path itself, or in one of the buffers; no NUL at its end */
	size_t len;
	const struct sub *subs[2]; /* .subs, .subs_dist; NULL where none fits */
	struct buf once, twice;    /* after the one, after the other */
};

/* The keys of the path that was asked for last. */
struct keys {
	struct subs subs[2]; /* .subs, then .subs_dist */
	struct buf clean;    /* the path without "//" and final '/', if it had some */
	struct key first;    /* where the first lines that fit count, unless one is set */
	struct key last;     /* where the last ones do, and where both are the same */
	bool one;            /* they are, for nearly all paths */
};

/* k is zeroed before; keys_free() after success and failure. 0, or -1 with errno ENOMEM.
 */
int keys_make(struct keys *k, const struct policy *policy);
void keys_free(struct keys *k);

/* path, with a NUL at its end, must live as long as the keys are used. 0, or -1 (ENOMEM).
 */
int keys_find(struct keys *k, const char *path);

/*
 * What the keys of all names in a directory begin with, but for names that are special:
 * *near says whether there may be such names. dir has a '/' at its end and no "//".
 */
int keys_find_below(struct keys *k, const char *dir, size_t len, bool *near);

/* The key that a version looks up. */
const struct key *keys_of(const struct keys *k, enum labeler_version v);

/* Whether there is a "//" in it, which only a substitution can bring in. */
bool key_has_empty_name(const struct key *k);

#endif
