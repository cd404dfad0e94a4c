/* SPDX-License-Identifier: MIT */
/* Why a path gets its label, with our own engine. */
#ifndef LABELER_EXPLAIN_H
#define LABELER_EXPLAIN_H

#include "labeler/matcher.h"

/* labeler_explain(); out is zeroed before. */
int explain_path(struct matcher *m, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e);

/* labeler_each_match() */
int explain_each(struct matcher *m, const char *path, mode_t mode,
	void (*fn)(void *arg, const struct labeler_rule *r), void *arg, struct err *e);

#endif
