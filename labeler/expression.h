/* SPDX-License-Identifier: MIT */
/*
 * Expressions that PCRE2 matches, compiled as libselinux compiles them (^re$, DOTALL,
 * bytes), and bounded in steps and memory, since a policy is untrusted.
 */
#ifndef LABELER_EXPRESSION_H
#define LABELER_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "labeler/labeler.h"

/*
 * PCRE2's match limit, and its own default, for all expressions that one look-up may have
 * to try; each of them has its share, and so many at the least.
 */
#define EXPRESSION_STEPS_MAX 10000000u
#define EXPRESSION_STEPS_MIN 10000u

#define EXPRESSION_HEAP_MAX   65536u       /* KiB that one match may take */
#define EXPRESSIONS_BYTES_MAX (256u << 20) /* compiled, all of a policy together */

struct expression;

/* What is shared: match data, limits. All zero at first. */
struct expressions {
	struct expression **list;
	size_t count, room;
	size_t bytes; /* compiled */
	void *match_context;
	void *match_data;
};

/*
 * Compiles the rule's expression; *out is owned by x. `comma` says whether {,n} is a
 * quantifier (since PCRE2 10.43) or stands for itself, whatever the PCRE2 at hand makes
 * of it. An error names file and line.
 */
int expression_add(struct expressions *x, const struct labeler_rule *r, bool comma,
	const struct expression **out, struct err *e);

/* Before the expressions of one look-up are tried, `count` of them at the most. */
void expressions_share(struct expressions *x, size_t count);

/* 1, 0, or -1 where a limit was hit: the error names the rule. */
int expression_match(struct expressions *x, const struct expression *g, const char *key,
	size_t len, struct err *e);

void expressions_free(struct expressions *x);

/*
 * Whether text compiles. 1, 0 with why (NUL-terminated) and *at (the byte it is about),
 * or -1 with errno.
 */
int expression_check(
	const char *text, size_t len, char *why, size_t why_size, size_t *at);

#endif
