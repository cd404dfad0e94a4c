/* SPDX-License-Identifier: MIT */
/* Labels for a whole tree: each inode asked once, by the bytewise first of its paths. */
#ifndef TOOLS_LABEL_H
#define TOOLS_LABEL_H

#include <stdint.h>

#include "fs/engine.h"
#include "labeler/labeler.h"

struct label_report {
	uint64_t inodes;    /* looked up */
	uint64_t changed;   /* got another label than before */
	uint64_t unmatched; /* no rule */
	uint64_t excluded;  /* <<none>> */
	uint64_t conflicts; /* further names of a file for which the policy says otherwise
			     */
};

enum label_event {
	LABEL_UNMATCHED, /* path */
	LABEL_EXCLUSION, /* path, rule */
	LABEL_CONFLICT,  /* path, rule: what it would get; first: the path that decided */
};

struct label_hooks {
	void (*event)(void *arg, enum label_event event, const char *path,
		const struct labeler_rule *rule, const char *first);
	void (*step)(void *arg); /* after each inode */
	void *arg;
};

/*
 * Labels everything, in a transaction that is the caller's. What no rule matches and what
 * <<none>> excludes keeps the label that it has. Every name gets a record.
 */
int label_tree(struct engine *en, struct labeler *l, const struct label_hooks *hooks,
	struct label_report *report, struct err *e);

#endif
