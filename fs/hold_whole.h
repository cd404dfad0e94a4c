/* SPDX-License-Identifier: MIT */
/*
 * Whether a session is held on one processor as a whole: where programs come and go too
 * fast for each to be found busy, and one runs after the other, as under make(1) with
 * install(1). What this decides is measured: how many questions come in a time with it
 * and without, again and again, since what runs changes. It moves nobody itself.
 *
 * Belongs to one thread.
 */
#ifndef FS_HOLD_WHOLE_H
#define FS_HOLD_WHOLE_H

#include <stdbool.h>
#include <stdint.h>

/* Between two looks, so many nanoseconds. */
#define WHOLE_LOOK 20000000

/* All zero at first, and when it was let go by somebody else. */
struct whole {
	bool held, up; /* up: there is something to look at */
	bool trial;
	unsigned window, looks;  /* of the trial, and in the window or since the trial */
	unsigned next;           /* so many looks until another trial */
	unsigned quiet, crowded; /* looks in a row */
	uint64_t asked[2];       /* in the trial: free, held */
	uint64_t took[2];
};

/* Since the last look: */
struct whole_seen {
	uint64_t took;    /* nanoseconds */
	unsigned asked;   /* questions */
	unsigned came;    /* programs that asked for the first time */
	unsigned running; /* threads that run now, or wait for a processor only */
};

/* Sets held, and up. */
void whole_look(struct whole *w, const struct whole_seen *seen);

#endif
