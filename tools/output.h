/* SPDX-License-Identifier: MIT */
/*
 * A file that is there whole or not at all: written under a name of its own beside the
 * real one, and renamed when it is done.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "common/err.h"

struct output {
	const char *path; /* the real name; the caller's */
	char *temp;       /* the file while it is made, there and empty at first */
};

/* Refused where path is there and no regular file. */
int output_begin(struct output *o, const char *path, struct err *e);

/* On disk, and under its real name: what was there before is replaced. */
int output_finish(struct output *o, struct err *e);

/* A message about the file while it is made, brought to its real name. */
void output_name_error(const struct output *o, struct err *e);

/* Removes what was made, if it was not finished. */
void output_end(struct output *o);

/* For a signal's handler: removes whatever is begun and not finished. */
void output_end_all(void);

#define cleanup_output __attribute__((cleanup(output_end)))

#endif
