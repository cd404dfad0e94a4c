/* SPDX-License-Identifier: MIT */
/*
 * Labels by policy: a file_contexts set answers which SELinux context a path of a type
 * gets, and which rule says so.
 *
 * A set is a file `file_contexts` and the companions beside it: .homedirs and .local
 * (more rules), .subs_dist and .subs (path substitutions); see file_contexts(5) and
 * selabel_file(5). A companion that is missing is fine, the base file must be there and
 * must hold a rule. A compiled `.bin` is never read.
 *
 * A policy is untrusted input: a line that libselinux refuses, a regular expression that
 * does not compile and a substitution line that cannot be read are errors that name file
 * and line. libselinux is the judge of what matches (selabel_lookup(3)).
 *
 * A labeler is used by one thread at a time. Everything that it hands out lives until
 * labeler_close().
 */
#ifndef LABELER_LABELER_H
#define LABELER_LABELER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

struct labeler;

/* Where a set is. */
struct labeler_source {
	int dirfd;         /* directory that holds the files; stays the caller's */
	const char *base;  /* name of the base file in it, as a rule "file_contexts" */
	const char *shown; /* that directory's path for messages, without a final '/' */
	bool follow;       /* follow symbolic links in dirfd (not in a staging tree) */
};

struct labeler_rule {
	const char *file;    /* path as shown in messages: SHOWN/file_contexts.local */
	unsigned line;       /* from 1 */
	const char *regex;   /* as in the file, without the anchors */
	mode_t type;         /* S_IFMT bits, 0: any */
	const char *context; /* as in the file, "<<none>>" included */
};

enum labeler_answer {
	LABELER_UNMATCHED = 0, /* no rule matches; *rule is NULL */
	LABELER_LABEL = 1,     /* (*rule)->context is the label */
	LABELER_EXCLUDED = 2,  /* the winning rule says <<none>> */
};

/* Reads and checks the set. Returns 0, or -1 with *out NULL. */
int labeler_open(struct labeler **out, const struct labeler_source *src, struct err *e);
void labeler_close(struct labeler *l);

/*
 * The answer for an absolute path ("/" is the root of the tree that the policy describes)
 * of bytes without NUL, and its type (S_IFMT bits of mode; 0 matches rules of all types).
 * Returns an enum labeler_answer, or -1.
 */
int labeler_lookup(struct labeler *l, const char *path, mode_t mode,
	const struct labeler_rule **rule, struct err *e);

/* The rules in the order of the files and lines, for listings. */
size_t labeler_rule_count(const struct labeler *l);
const struct labeler_rule *labeler_rule_at(const struct labeler *l, size_t i);

#endif
