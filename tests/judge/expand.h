/* SPDX-License-Identifier: MIT */
/*
 * Paths from an expression: a text that it matches, as a rule, made by chance.
 * Look-around and options are passed over, so that a text may miss; there is no promise.
 */
#ifndef TESTS_JUDGE_EXPAND_H
#define TESTS_JUDGE_EXPAND_H

#include <stddef.h>
#include <stdint.h>

#define PATH_SIZE 1024

struct text {
	char at[PATH_SIZE];
	size_t len;
};

/* What a "." or ".*" may stand for: names of the policy. */
struct words {
	char **at;
	size_t count;
};

void chance_seed(uint64_t seed);
unsigned chance(unsigned below); /* 0 … below - 1 */

void text_add(struct text *t, char c); /* never a NUL; what does not fit is dropped */
void text_adds(struct text *t, const char *s);

void expand(struct text *out, const char *regex, const struct words *w);

#endif
