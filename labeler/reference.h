/* SPDX-License-Identifier: MIT */
/*
 * Rule after rule by PCRE2, for keys with an empty name in them ("//", which only a
 * substitution can bring in): libselinux 3.11 passes over it when it looks for stems, so
 * that they no longer are what the key begins with.
 */
#ifndef LABELER_REFERENCE_H
#define LABELER_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "labeler/pattern.h"

struct reference {
	const struct expression **compiled; /* one a rule, made when first needed */
};

/* Whether 3.11 takes the rule for a key with an empty name. 1, 0 or -1. */
int reference_matches(struct reference *r, struct patterns *p, size_t rule,
	const char *key, size_t len, struct err *e);
void reference_free(struct reference *r);

#endif
