/* SPDX-License-Identifier: MIT */
/*
 * A policy's five text files, read and checked: the rules of file_contexts, .homedirs and
 * .local in that order, and the bytes of .subs_dist and .subs. Matching is not done here.
 */
#ifndef LABELER_POLICY_H
#define LABELER_POLICY_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "labeler/labeler.h"
#include "labeler/nfa.h"

/*
 * Bounds on what is read; far above any real policy (Debian's has 0.4 MiB and 6,000
 * rules). libselinux 3.4 searches its list of stems once a rule, so its load takes
 * quadratic time: 5 s for as many rules with a stem each.
 */
#define POLICY_FILE_MAX  (64u << 20) /* bytes a file */
#define POLICY_RULES_MAX 50000u      /* of the three files together */
#define POLICY_SUBS_MAX  10000u      /* lines that say something, a file */

#define POLICY_NO_LABEL "<<none>>" /* spelled just so; anything else is a context */

/* In the order in which libselinux reads them; those with rules come first. */
enum policy_part {
	POLICY_BASE,
	POLICY_HOMEDIRS,
	POLICY_LOCAL,
	POLICY_SUBS_DIST,
	POLICY_SUBS,
};
#define POLICY_PARTS      5
#define POLICY_RULE_PARTS 3

struct policy_file {
	char *shown; /* path for messages, not quoted */
	char *data;  /* bytes and a NUL behind them; NULL where there is no such file.
			Rules point into it: their fields end in a NUL put there. */
	size_t len;
	size_t first; /* its rules in struct policy; not for substitutions */
	size_t count;
};

struct policy {
	struct policy_file files[POLICY_PARTS];
	struct labeler_rule *rules;
	size_t count;
	size_t cap;
	struct nfa trial; /* in which expressions are parsed to see whether they can be */
};

/* What stands behind the base name: "", ".homedirs" and so on. */
const char *policy_suffix(enum policy_part part);

/* p is zeroed before. Returns 0 or -1; policy_free() after either. */
int policy_load(struct policy *p, const struct labeler_source *src, struct err *e);
void policy_free(struct policy *p);

#endif
