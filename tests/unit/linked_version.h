/* SPDX-License-Identifier: MIT */
/* Which libselinux is linked, as one of the versions whose answers ours knows. */
#ifndef TESTS_UNIT_LINKED_VERSION_H
#define TESTS_UNIT_LINKED_VERSION_H

#include <err.h>
#include <stdbool.h>
#include <stddef.h>

#include "labeler/labeler.h"

/*
 * src is a policy of one exact path, /a, once in the base file and once in .local: in 3.4
 * and 3.11 .local counts, in 3.8 the base file. A substitution, and then another, of /s
 * by /b and by /c, where there is a rule for /b only: 3.8 applies the first that fits,
 * others the last. And /r with a newline behind it matches an exact rule in 3.4 only.
 */
#define LINKED_BASE  "/a c\n/b c\n/r c\n"
#define LINKED_LOCAL "/a c\n"
#define LINKED_SUBS  "/s /b\n/s /c\n"

static inline const struct labeler_rule *linked_rule(struct labeler *l, const char *path)
{
	struct labeler_result r;
	struct err e = {0};

	if (labeler_lookup(l, path, 0, &r, &e) < 0)
		errx(1, "%s", e.msg);
	return r.rule;
}

/* src holds files of the three texts above. */
static inline enum labeler_version linked_version(const struct labeler_source *src)
{
	const struct labeler_options options = {.engine = LABELER_LIBSELINUX};
	struct labeler *l;
	struct err e = {0};
	bool local, first, newline;

	if (labeler_open(&l, src, &options, &e) < 0)
		errx(1, "%s", e.msg);
	local = linked_rule(l, "/a") == labeler_rule_at(l, 3);
	first = linked_rule(l, "/s") != NULL;
	newline = linked_rule(l, "/r\n") != NULL;
	labeler_close(l);
	if (newline && local && !first)
		return LABELER_3_4;
	if (!newline && !local && first)
		return LABELER_3_8;
	if (!newline && local && !first)
		return LABELER_3_11;
	errx(1, "a libselinux of unknown behaviour: %d %d %d", newline, local, first);
}

#endif
