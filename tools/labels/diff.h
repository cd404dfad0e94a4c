/* SPDX-License-Identifier: MIT */
/*
 * The labels that two policies give to one tree, side by side. Each inode is asked once,
 * by the bytewise first of its paths, as label_run() does it; nothing is written.
 */
#ifndef TOOLS_LABELS_DIFF_H
#define TOOLS_LABELS_DIFF_H

#include <stddef.h>
#include <stdint.h>

#include "fs/engine.h"
#include "labeler/labeler.h"

enum diff_side {
	DIFF_OLD,
	DIFF_NEW,
};
#define DIFF_SIDES 2

/* A file whose label is another one under the new policy. */
struct label_change {
	char *path; /* with a leading '/' */
	mode_t mode;
	struct labeler_result side[DIFF_SIDES]; /* live as long as the labelers */
};

struct label_diff {
	struct label_change *changes; /* sorted bytewise by path */
	size_t count, room;
	uint64_t inodes; /* looked up */
};

/* What a result comes to: equal texts are one label, whichever rule gave them. */
bool label_result_equal(const struct labeler_result *a, const struct labeler_result *b);

/*
 * Looks up the whole tree in both. step is called after each inode and may be NULL. out
 * is freed by label_diff_free(), after a failure too. Returns 0 or -1.
 */
int label_diff_find(struct label_diff *out, struct engine *en,
	struct labeler *const sides[DIFF_SIDES], void (*step)(void *arg), void *arg,
	struct err *e);
void label_diff_free(struct label_diff *d);

#endif
