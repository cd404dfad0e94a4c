/* SPDX-License-Identifier: MIT */
#include "labeler/reference.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "labeler/standing.h"

/* Whether key begins with stem once each run of slashes in key counts as one. */
static bool begins(const char *key, size_t len, const char *stem, size_t stem_len)
{
	size_t at = 0;

	for (size_t i = 0; i < len && at < stem_len; i++) {
		if (key[i] == '/' && i > 0 && key[i - 1] == '/')
			continue;
		if (key[i] != stem[at++])
			return false;
	}
	return at == stem_len;
}

static int prepare(struct reference *r, struct patterns *p, size_t rule, struct err *e)
{
	const struct labeler_rule *given = &p->policy->rules[rule];

	if (!r->compiled)
		r->compiled = calloc(p->policy->count, sizeof(*r->compiled));
	if (!r->compiled)
		return err_sys(e, given->file, "cannot keep the policy");
	if (r->compiled[rule])
		return 0;
	return expression_add(&p->expressions, given, true, &r->compiled[rule], e);
}

int reference_matches(struct reference *r, struct patterns *p, size_t rule,
	const char *key, size_t len, struct err *e)
{
	const char *regex = p->policy->rules[rule].regex;
	cleanup_free char *text = malloc(strlen(regex) + 2);
	size_t text_len;

	if (!text)
		return err_sys(e, NULL, "cannot match an expression");
	if (exact_since_3_8(regex, text, &text_len))
		return text_len == len && memcmp(text, key, len) == 0;
	stem_since_3_8(regex, text, &text_len);
	if (!begins(key, len, text, text_len))
		return 0;
	if (prepare(r, p, rule, e) < 0)
		return -1;
	return expression_match(&p->expressions, r->compiled[rule], key, len, e);
}

void reference_free(struct reference *r)
{
	free(r->compiled);
	*r = (struct reference){0};
}
