/* SPDX-License-Identifier: MIT */
/*
 * Which keys PCRE2 needs many steps for. Nothing is learned from waiting for it, and
 * libselinux says "no match" where PCRE2 gives up. (What ours says then:
 * tests/unit/labeler_limits.c.)
 */
#ifndef TESTS_FUZZ_SLOW_H
#define TESTS_FUZZ_SLOW_H

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/unit/one_rule.h"

struct slow {
	struct one_rule *rules;
	size_t count;
};

/* l must outlive it. */
static inline void slow_begin(struct slow *s, const struct labeler *l)
{
	s->count = labeler_rule_count(l);
	s->rules = calloc(s->count, sizeof(*s->rules));
	if (!s->rules)
		err(1, "calloc");
	for (size_t i = 0; i < s->count; i++)
		one_rule_begin(&s->rules[i], labeler_rule_at(l, i)->regex);
}

static inline void slow_end(struct slow *s)
{
	for (size_t i = 0; i < s->count; i++)
		one_rule_end(&s->rules[i]);
	free(s->rules);
}

static inline bool slow_key(const struct slow *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (one_rule_run(&s->rules[i], key) == SAID_NOTHING)
			return true;
	return false;
}

/* path itself, or what the substitutions make of it. */
static inline bool slow_path(const struct slow *s, struct labeler *l, const char *path)
{
	struct labeler_explanation x;
	struct err e = {0};
	bool slow;

	if (slow_key(s, path))
		return true;
	slow = labeler_explain(l, path, 0, &x, &e) == 0 && slow_key(s, x.key);
	labeler_explanation_free(&x);
	return slow;
}

#endif
