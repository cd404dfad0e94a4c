/* SPDX-License-Identifier: MIT */
/*
 * Records for what is in the staging tree already. The engine's database must be open for
 * writing, and a transaction is the caller's. What the engine's nodes show is not brought
 * up to date: open it anew to see the change.
 */
#ifndef FS_EDIT_H
#define FS_EDIT_H

#include "fs/engine.h"
#include "fs/walk.h"

/*
 * A new record for a node, without a name: silent where from is 0, else with all that the
 * record from says. Sets *id. The node does not come to know.
 */
int edit_make_record(struct engine *en, const struct node *n, int64_t from, int64_t *id,
	struct err *e);

/*
 * Makes sure that a name has a record which holds, and so have all directories above it:
 * an unrecorded file gets a silent one, a record of another type is replaced, a file that
 * only shares a record gets a copy of its own. Sets *id.
 */
int edit_adopt(struct engine *en, struct node *dir, const char *name, struct node *n,
	int64_t *id, struct err *e);

/*
 * The same for the node at a path, and for all names in the tree that are hard links of
 * it: where some may be unrecorded, the whole tree is read to find them.
 */
int edit_adopt_path(
	struct engine *en, const char *path, struct node *n, int64_t *id, struct err *e);

/*
 * Lets all names of one staging file share a record, the one that exists or a new one.
 * One for a whole walk: edit_links_note() for each step of a first walk, then
 * edit_links_adopt() in place of edit_adopt() in a second one.
 */
struct edit_links;
struct edit_links *edit_links_new(void);
void edit_links_free(struct edit_links *l);
int edit_links_note(struct edit_links *l, const struct walk_step *s, struct err *e);
int edit_links_adopt(struct edit_links *l, struct engine *en, const struct walk_step *s,
	int64_t *id, struct err *e);

/* The step's name has a record that holds and is its own. */
bool edit_recorded(const struct walk_step *s);

/* The step's file as one key: names of one staging file give the same node. */
struct node *edit_links_node(struct edit_links *l, struct node *n);

#endif
