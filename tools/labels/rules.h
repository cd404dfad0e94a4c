/* SPDX-License-Identifier: MIT */
/* What a run of label remembers of each rule. */
#ifndef TOOLS_LABELS_RULES_H
#define TOOLS_LABELS_RULES_H

#include "db/db.h"
#include "labeler/check.h"
#include "labeler/labeler.h"

struct label_rule {
	const struct labeler_rule *rule;
	char *path;    /* the first file that gets its context; NULL: none does */
	int64_t label; /* in the database; 0: not asked for so far */
	bool matched;  /* something, though another rule may have won */
};

struct label_rules;

int label_rules_open(struct label_rules **out, const struct labeler *l, struct err *e);
void label_rules_close(struct label_rules *r); /* NULL is fine */

/* Of a rule that the labeler handed out. */
struct label_rule *label_rules_find(
	struct label_rules *r, const struct labeler_rule *rule);

/* Notes that the file at path gets the rule's context. */
int label_rules_use(struct label_rule *r, const char *path, struct err *e);

/* All contexts that files get: one that the policy does not know is an error. */
int label_rules_check(struct label_rules *r, struct label_check *c, struct err *e);

/* The label of its context, stored if it is new. -1 on error. */
int64_t label_rules_intern(struct label_rule *r, struct db *db, struct err *e);

/* Calls back for each rule that matched nothing, in the order of the files. */
void label_rules_unused(const struct label_rules *r,
	void (*fn)(void *arg, const struct labeler_rule *rule), void *arg);

#endif
