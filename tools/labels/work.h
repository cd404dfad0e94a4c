/* SPDX-License-Identifier: MIT */
/* One run of label, for the files of this folder that label only. */
#ifndef TOOLS_LABELS_WORK_H
#define TOOLS_LABELS_WORK_H

#include "common/buf.h"
#include "fs/walk.h"
#include "tools/labels/label.h"
#include "tools/labels/links.h"
#include "tools/labels/rules.h"

struct label_change {
	struct node *node;
	struct label_rule *rule;
	char *path; /* NULL where nobody wants to be told */
};

struct labeling {
	const struct label_job *job;
	struct label_report *report;
	struct label_rules *rules;
	struct label_links *links;
	const char **paths; /* of the job, none of them below another */
	size_t path_count;
	bool whole, deep;  /* all of the tree; with what is below */
	bool linked;       /* some file has other names */
	bool unrecorded;   /* some name has no record that holds */
	bool adopt;        /* some name needs one, or its file's */
	uint64_t recorded; /* names in the tree that have one; only where it is whole */
	struct buf key;    /* the path as the labeler is asked for it */
	size_t prefix_len; /* of it */
	struct labeler_cursor *above; /* of the directories that the walk is in */
	size_t above_room;
	struct label_change *changes;
	size_t change_count, change_room;
};

/* label.c: calls back for what is to be labeled. */
int label_walk(struct labeling *l, walk_fn *fn, void *arg, struct err *e);

/* The part that a path is in and that is left alone; NULL: none. */
struct label_exclude *label_excluded(const struct label_job *job, const char *path);

/* decide.c: one name of the walk: what its file gets. */
int label_decide(struct labeling *l, const struct walk_step *s, struct err *e);

/* What was changed, or would be. */
void label_tell_changes(const struct labeling *l);

/* store.c: writes what was decided, in a transaction that is the caller's. */
int label_store(struct labeling *l, struct err *e);

#endif
