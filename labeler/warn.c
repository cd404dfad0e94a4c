/* SPDX-License-Identifier: MIT */
/* What is odd in a policy, and yet no error where nothing is validated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "labeler/labeler.h"
#include "labeler/standing.h"

#define MESSAGE_MAX 1024

struct warner {
	void (*fn)(void *arg, const char *message);
	void *arg;
};

static int by_regex(const void *a, const void *b)
{
	const struct labeler_rule *x = *(const struct labeler_rule *const *)a;
	const struct labeler_rule *y = *(const struct labeler_rule *const *)b;
	int order = strcmp(x->regex, y->regex);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Between rules of one text, sorted by line: those whose types overlap. */
static void warn_twins(
	const struct warner *w, const struct labeler_rule *const *rules, size_t count)
{
	char message[MESSAGE_MAX], file[512], regex[200];

	for (size_t i = 1; i < count; i++) {
		const struct labeler_rule *r = rules[i];
		size_t k = i;

		while (k-- > 0 && strcmp(rules[k]->regex, r->regex) == 0) {
			if (rules[k]->type && r->type && rules[k]->type != r->type)
				continue;
			snprintf(message, sizeof(message),
				"%s:%u: '%s' stands in line %u already; libselinux "
				"refuses that where it validates the policy",
				quote_path(file, sizeof(file), r->file), r->line,
				quote_path(regex, sizeof(regex), r->regex),
				rules[k]->line);
			w->fn(w->arg, message);
			break;
		}
	}
}

static void warn_exact(const struct warner *w, const struct labeler_rule *r, char *room)
{
	char message[MESSAGE_MAX], file[512], regex[200];
	size_t len;

	if (!exact_in_3_4(r->regex) || exact_since_3_8(r->regex, room, &len))
		return;
	snprintf(message, sizeof(message),
		"%s:%u: '%s' is an exact path for libselinux 3.4 and an expression since "
		"3.8",
		quote_path(file, sizeof(file), r->file), r->line,
		quote_path(regex, sizeof(regex), r->regex));
	w->fn(w->arg, message);
}

int labeler_warn(const struct labeler *l, void (*fn)(void *arg, const char *message),
	void *arg, struct err *e)
{
	const struct warner w = {fn, arg};
	size_t count = labeler_rule_count(l), base = 0;
	cleanup_free const struct labeler_rule **rules =
		calloc(count + 1, sizeof(*rules));

	if (!rules)
		return err_sys(e, NULL, "cannot look for what is odd in the policy");
	for (size_t i = 0; i < count; i++) {
		const struct labeler_rule *r = labeler_rule_at(l, i);
		cleanup_free char *room = malloc(strlen(r->regex) + 1);

		if (!room)
			return err_sys(e, r->file, "cannot look for what is odd");
		warn_exact(&w, r, room);
		/* The rules of the base file come first, and only they are validated. */
		if (r->file == labeler_rule_at(l, 0)->file)
			rules[base++] = r;
	}
	qsort(rules, base, sizeof(*rules), by_regex);
	warn_twins(&w, rules, base);
	return 0;
}
