/* SPDX-License-Identifier: MIT */
/* One line on standard error, kept up to date, where that is a terminal; else nothing. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "unpacked" */
	uint64_t count;
	int64_t shown_at; /* milliseconds */
	bool terminal, visible;
};

void progress_start(struct progress *p, const char *what);
void progress_step(struct progress *p);

/* Wipes the line: before a message, and at the end. */
void progress_clear(struct progress *p);

#endif
