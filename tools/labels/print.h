/* SPDX-License-Identifier: MIT */
/* What label prints: lines, or one JSON array. */
#ifndef TOOLS_LABELS_PRINT_H
#define TOOLS_LABELS_PRINT_H

#include "tools/labels/label.h"
#include "tools/progress.h"

struct label_printer {
	bool json;
	bool dry_run;
	bool coverage;
	enum labeler_version version; /* that the labels are of */
	struct progress progress;
	uint64_t count; /* JSON objects so far */
};

/* As struct label_hooks has it; arg is the printer. */
void label_print_event(void *arg, const struct label_finding *f);

/* A tree is done with. */
void label_print_summary(struct label_printer *p, const char *staging,
	const struct label_exclude *excludes, size_t exclude_count,
	const struct label_report *r);

/* At the very end, after an error too: what was printed is whole. */
void label_print_end(struct label_printer *p);

#endif
