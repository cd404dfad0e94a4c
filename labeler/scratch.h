/* SPDX-License-Identifier: MIT */
/*
 * A policy written out for libselinux, which reads files by path only, in a private
 * directory that lives as long as the load.
 */
#ifndef LABELER_SCRATCH_H
#define LABELER_SCRATCH_H

#include <limits.h>
#include <stddef.h>

#include "common/err.h"
#include "labeler/policy.h"

#define SCRATCH_BASE "file_contexts"

struct scratch {
	char dir[PATH_MAX]; /* "" where there is none */
	int fd;             /* of it, or -1 */
};

#define SCRATCH_NONE ((struct scratch){.fd = -1})

/* What is written out. */
enum scratch_content {
	SCRATCH_MARKED,     /* all rules, marked; those with <<none>> as they are */
	SCRATCH_EXCLUSIONS, /* those with <<none>> alone, marked */
};

/*
 * Makes the directory, mode 0700, below $TMPDIR (if that is an absolute path) or /tmp,
 * and writes the policy's files into it: each rule one line, marked: its context replaced
 * by "r" and its place in p; substitutions verbatim. s is SCRATCH_NONE before; 0 or -1,
 * scratch_remove() after either.
 */
int scratch_write(struct scratch *s, const struct policy *p, enum scratch_content content,
	struct err *e);
void scratch_remove(struct scratch *s);

#define cleanup_scratch __attribute__((cleanup(scratch_remove)))

/* The rule that a context written by scratch_write() stands for; 0 or -1. */
int scratch_rule(size_t *rule, const char *context, const struct policy *p);

/*
 * The rule whose line a message of libselinux names, with SCRATCH_MARKED
 * ("DIR/file_contexts.local:  line 3 …"), or NULL.
 */
const struct labeler_rule *scratch_blamed(
	const struct scratch *s, const char *message, const struct policy *p);

#endif
