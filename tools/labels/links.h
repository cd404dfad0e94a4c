/* SPDX-License-Identifier: MIT */
/* Files with several names, as label sees them: which path decides. */
#ifndef TOOLS_LABELS_LINKS_H
#define TOOLS_LABELS_LINKS_H

#include "fs/edit.h"
#include "labeler/labeler.h"

struct label_link {
	struct node *node; /* one for all names: edit_links_node() */
	char *path;        /* the bytewise first */
	char *left;        /* a name in a part that is left alone; NULL: none */
	bool adopt;        /* some names have no record, or not the same */
	bool done;         /* it was decided */
	const struct labeler_rule *rule; /* then; NULL: unmatched */
};

struct label_links;

struct label_links *label_links_new(void);
void label_links_free(struct label_links *l);

/* Each name of the tree in one walk; left: it is in a part that is left alone. */
int label_links_note(
	struct label_links *l, const struct walk_step *s, bool left, struct err *e);

/* After the walk, before all that follows. */
void label_links_settle(struct label_links *l);

/* NULL where it has no other name. */
struct label_link *label_links_find(struct label_links *l, struct node *n);

/* Lets the step's name have its file's record: edit_links_adopt(). */
int label_links_adopt(struct label_links *l, struct engine *en, const struct walk_step *s,
	struct err *e);

#endif
