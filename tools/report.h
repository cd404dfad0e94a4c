/* SPDX-License-Identifier: MIT */
/* Findings about a tree, as status and verify print them: lines, or a JSON array. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/compare.h"
#include "tools/drift.h"

struct report {
	bool json;
	uint64_t findings; /* printed so far */
};

/* kind: "unlabeled", "moved", …; to and text may be NULL. Paths without leading '/'. */
void report_finding(struct report *r, const char *kind, const char *path, const char *to,
	const char *text);
void report_difference(struct report *r, const char *image, const struct difference *d);

/* For drift_find() and repair_tree(); arg is the report. */
void report_drift(void *arg, const struct drift *d);

/* The last line; fine: what to say of the tree when there was nothing. An exit code. */
int report_end(struct report *r, const char *staging, const char *fine);

/* Instead of it, where an error ends the report: what was printed so far is whole. */
void report_break(struct report *r);

#endif
