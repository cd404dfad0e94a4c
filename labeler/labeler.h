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
 * and line. libselinux is the judge of what matches (selabel_lookup(3)); where its
 * versions differ, the options say which one counts.
 *
 * A labeler is used by one thread at a time. Everything that it hands out lives until
 * labeler_close(), unless something else is said.
 */
#ifndef LABELER_LABELER_H
#define LABELER_LABELER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/*
 * The versions of libselinux whose answers differ (docs/labels.md has each difference),
 * with the PCRE2 that Debian ships beside each. The newest is the default.
 */
enum labeler_version {
	LABELER_3_11,
	LABELER_3_8, /* 3.8.1 */
	LABELER_3_4,
};
#define LABELER_VERSIONS 3

/* "3.11", "3.8", "3.4" */
const char *labeler_version_text(enum labeler_version v);

enum labeler_engine {
	LABELER_MATCHER,    /* our own: all versions, cursors, explanations */
	LABELER_LIBSELINUX, /* the library that is installed, whatever its version */
};

struct labeler_options {
	enum labeler_engine engine;
	enum labeler_version version; /* for LABELER_MATCHER; left alone otherwise */
};

struct labeler_rule {
	const char *file;    /* path as shown in messages: SHOWN/file_contexts.local */
	unsigned line;       /* from 1 */
	const char *regex;   /* as in the file, without the anchors */
	mode_t type;         /* S_IFMT bits, 0: any */
	const char *context; /* as in the file, "<<none>>" included */
};

enum labeler_answer {
	LABELER_UNMATCHED = 0, /* no rule matches; rule is NULL */
	LABELER_LABEL = 1,     /* rule->context is the label */
	LABELER_EXCLUDED = 2,  /* the winning rule says <<none>> */
};

struct labeler_result {
	enum labeler_answer answer;
	const struct labeler_rule *rule;
	/* Bits 1 << enum labeler_version: these versions give another label, or none
	   where this one is a label. Always 0 with LABELER_LIBSELINUX. */
	unsigned differs;
};

/* Reads and checks the set; options NULL: the defaults. Returns 0, or -1 with *out NULL.
 */
int labeler_open(struct labeler **out, const struct labeler_source *src,
	const struct labeler_options *options, struct err *e);
void labeler_close(struct labeler *l);

/*
 * The answer for an absolute path ("/" is the root of the tree that the policy describes)
 * of bytes without NUL, and its type (S_IFMT bits of mode; 0 matches rules of all types).
 * Returns 0 or -1.
 */
int labeler_lookup(struct labeler *l, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e);

/*
 * A directory that a walk is in: its children are then looked up by their names alone. A
 * plain value, of no use once the labeler is closed; it goes on working whatever else is
 * looked up in between.
 */
struct labeler_cursor {
	uint32_t state;
	uint32_t epoch;
	bool near_subs;
};

/*
 * Enters the directory at path (absolute, clean: no "//", no '/' at the end save in "/").
 * parent is the cursor of the directory above it, or NULL where none is at hand.
 */
int labeler_enter(struct labeler *l, const struct labeler_cursor *parent,
	const char *path, struct labeler_cursor *out, struct err *e);

/* labeler_lookup() of a path right in that directory; path as for labeler_enter(). */
int labeler_lookup_in(struct labeler *l, const struct labeler_cursor *dir,
	const char *path, mode_t mode, struct labeler_result *out, struct err *e);

/* The rules in the order of the files and lines, for listings. */
size_t labeler_rule_count(const struct labeler *l);
const struct labeler_rule *labeler_rule_at(const struct labeler *l, size_t i);

/*
 * What libselinux only warns of, or refuses no more than where it validates (setfiles -c,
 * semodule): one expression twice in the base file for the same type, and text that is an
 * exact path for some versions only. The message names file and line. Returns 0 or -1.
 */
int labeler_warn(const struct labeler *l, void (*fn)(void *arg, const char *message),
	void *arg, struct err *e);

/* A type as file_contexts writes it ("--", "-d", …); NULL for any other bits. */
const char *labeler_type_text(mode_t type);

/* A rule that matches any path there is, as the policy's first line often does. */
bool labeler_is_catch_all(const struct labeler_rule *r);

/*
 * Why a path gets its label. With LABELER_LIBSELINUX only key, result and a winner are
 * known.
 */
enum labeler_verdict {
	LABELER_WINS,
	LABELER_OVERRULED,  /* a rule that comes later in the files counts */
	LABELER_INEXACT,    /* an exact path counts before any expression */
	LABELER_EXACT_TWIN, /* the same exact path stands in two rules, and the other
			       counts */
	LABELER_OTHER_TYPE, /* is for files of another type */
	LABELER_NOT_ASKED,  /* matches, but this version does not come to ask it */
};

struct labeler_match {
	const struct labeler_rule *rule;
	enum labeler_verdict verdict;
};

/* A line of .subs or .subs_dist that changed the path. */
struct labeler_substitution {
	const char *file; /* as in struct labeler_rule */
	unsigned line;
	const char *from;
	const char *to;
};

struct labeler_explanation {
	char *key; /* what the rules are held against: the path, cleaned and substituted
		    */
	struct labeler_substitution subs[2]; /* in the order in which they were applied */
	size_t sub_count;
	struct labeler_match *matches; /* the winner first, then the later before the
					  earlier; all types */
	size_t match_count;
	struct labeler_result result;
	/* What each version says; with LABELER_LIBSELINUX not known (known is false). */
	struct labeler_result versions[LABELER_VERSIONS];
	bool versions_known;
};

/* out is freed by labeler_explanation_free(), after a failure too. Returns 0 or -1. */
int labeler_explain(struct labeler *l, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e);
void labeler_explanation_free(struct labeler_explanation *x);

/*
 * Calls fn for each rule that matches path and type, the winner among them, in no order:
 * what labeler_explain() has without its reasons, and much faster. Returns 0 or -1.
 */
int labeler_each_match(struct labeler *l, const char *path, mode_t mode,
	void (*fn)(void *arg, const struct labeler_rule *r), void *arg, struct err *e);

#endif
