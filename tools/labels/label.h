/* SPDX-License-Identifier: MIT */
/*
 * Labels for a tree or for parts of one: each inode is asked once, by the bytewise first
 * of all its paths, whichever of them was named.
 *
 * Everything is decided before anything is written; what is written is one transaction.
 */
#ifndef TOOLS_LABELS_LABEL_H
#define TOOLS_LABELS_LABEL_H

#include <stdint.h>

#include "fs/engine.h"
#include "labeler/check.h"
#include "labeler/labeler.h"

struct label_report {
	uint64_t inodes;    /* looked up */
	uint64_t changed;   /* get another label than before */
	uint64_t unmatched; /* no rule */
	uint64_t excluded;  /* <<none>> */
	uint64_t conflicts; /* further names of a file for which the policy says otherwise
			     */
	uint64_t versions;  /* for which versions of libselinux do not agree */
	uint64_t left;      /* files left alone for a hard link that is to be */
	uint64_t catch_all; /* with coverage: nothing but the catch-all matched */
	uint64_t unused;    /* with coverage: rules */
};

enum label_event {
	LABEL_UNMATCHED, /* path */
	LABEL_EXCLUSION, /* path, rule */
	LABEL_CONFLICT,  /* path, rule: what it would get; other: the path that decided */
	LABEL_CHANGE,    /* path; from and to: labels, from NULL where there was none */
	LABEL_VERSION,   /* path, result, why */
	LABEL_LEFT,      /* path; other: its name in a part that is left alone */
	LABEL_CATCH_ALL, /* path, rule */
	LABEL_UNUSED,    /* rule */
};

/* Paths are in the tree, without leading '/'. What is not said to be there is NULL. */
struct label_finding {
	enum label_event event;
	const char *path, *other;
	const struct labeler_rule *rule;
	const char *from, *to;
	const struct labeler_result *result;
	const struct labeler_explanation *why;
};

struct label_hooks {
	void (*event)(void *arg, const struct label_finding *f);
	void (*step)(void *arg); /* after each inode */
	void *arg;
};

/* A part of the tree that is left alone. */
struct label_exclude {
	char *path;     /* in the tree, clean, without leading '/' */
	uint64_t names; /* that were met in it */
};

struct label_job {
	struct engine *en; /* without a database only for a dry run */
	struct labeler *labeler;
	struct label_check *check; /* NULL: contexts are not checked */
	const char *prefix;        /* where the tree's root will be: policy_prefix() */
	const char *const *paths;  /* in the tree; "" is all of it */
	size_t path_count;
	struct label_exclude *excludes;
	size_t exclude_count;
	bool recursive; /* with all that is below; "" always is */
	bool dry_run;   /* change nothing */
	bool changes;   /* tell of each, once it is certain */
	bool coverage;
	const struct label_hooks *hooks;
};

/*
 * What no rule matches and what <<none>> excludes keeps the label that it has. Every name
 * that is labeled has a record then. NOTE_LABELED is set by a run that did all of the
 * tree, is dropped by one for whose files there are no rules, and left as it is by
 * others: they take no label away. Returns 0 or -1; then nothing was written.
 */
int label_run(const struct label_job *job, struct label_report *report, struct err *e);

#endif
