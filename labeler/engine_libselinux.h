/* SPDX-License-Identifier: MIT */
/*
 * Matching by libselinux (selabel_open(3), selabel_lookup(3)).
 *
 * An engine answers which rule of a policy wins for a path and a type, by the rule's
 * place in struct policy, and knows nothing of contexts. Another engine has these three
 * verbs too.
 *
 * Neither the host's policy nor its configuration matters, SELinux may be off, nothing is
 * validated and no translation daemon is asked. Different engines may be used by
 * different threads at once. What libselinux logs while it works for an engine becomes
 * part of the error; everything else goes to the log callback that was set before the
 * first engine was opened.
 *
 * Not told apart from "no rule": an expression that hits PCRE2's match limit. Of several
 * rules with <<none>> that match, the one named need not be the one that ended the
 * search, since 3.8 at least: libselinux names none.
 */
#ifndef LABELER_ENGINE_LIBSELINUX_H
#define LABELER_ENGINE_LIBSELINUX_H

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "labeler/policy.h"

struct engine_libselinux;

/* p must outlive the engine. Returns 0, or -1 with *out NULL. */
int engine_libselinux_open(
	struct engine_libselinux **out, const struct policy *p, struct err *e);
void engine_libselinux_close(struct engine_libselinux *g);

/* path is absolute. Returns 1 with *rule set, 0 where no rule matches, or -1. */
int engine_libselinux_lookup(struct engine_libselinux *g, const char *path, mode_t mode,
	size_t *rule, struct err *e);

#endif
