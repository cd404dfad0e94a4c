/* SPDX-License-Identifier: MIT */
#include "tools/edit_paths.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/edit.h"
#include "tools/fresh.h"
#include "tools/loan.h"
#include "tools/locate.h"

struct target {
	const struct place *place;
	struct node *n;
	int64_t id;
	bool linked; /* hard links of it may have no record, or another one */
	bool again;  /* an earlier target has the same record */
};

/* One tree, open for a change. */
struct tree {
	const struct edit_paths *ep;
	struct engine *en;
	struct edit_links *links; /* NULL: not needed so far */
	struct target *targets;
	size_t count;
	struct node **wanted; /* sorted: files of which all names get the record */
	size_t wanted_count;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static int change_record(
	struct tree *t, struct node *n, const char *path, int64_t id, struct err *e)
{
	struct db *db = engine_db(t->en);
	char quoted[1024];
	struct db_record r;
	int rc = db_record_get(db, id, &r, e);

	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(e, ERR_INPUT, "%s: a record is missing",
					db_path(db));
	if (t->ep->apply(t->ep->arg, t->en, n, &r, e) == 0)
		return 0;
	/* What is wrong with the command line has to do with no file. */
	if (e->code == ERR_USAGE)
		return -1;
	return err_wrap(e, "/%s", quote_path(quoted, sizeof(quoted), path));
}

static int note_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct tree *t = arg;

	return edit_links_note(t->links, s, e);
}

/* Links may lead anywhere in the tree: all names are noted before one is changed. */
static int note_links(struct tree *t, struct err *e)
{
	t->links = edit_links_new();
	if (!t->links)
		return no_memory(e);
	return engine_walk(t->en, engine_root(t->en), "", note_step, t, e);
}

static int change_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct tree *t = arg;
	int64_t id;

	if (edit_links_adopt(t->links, t->en, s, &id, e) < 0)
		return -1;
	return change_record(t, s->node, s->path, id, e);
}

static int change_below(struct tree *t, struct err *e)
{
	if (note_links(t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (engine_walk(t->en, t->targets[i].n, t->targets[i].place->path,
			    change_step, t, e) < 0)
			return -1;
	return 0;
}

static int compare_node(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a;
	const struct node *y = *(struct node *const *)b;

	return (uintptr_t)x < (uintptr_t)y ? -1 : x != y;
}

static int adopt_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct tree *t = arg;
	struct node *file = edit_links_node(t->links, s->node);
	int64_t id;

	if (!bsearch(&file, t->wanted, t->wanted_count, sizeof(file), compare_node))
		return 0;
	return edit_links_adopt(t->links, t->en, s, &id, e);
}

/* Two walks, however many targets have links. */
static int adopt_linked(struct tree *t, struct err *e)
{
	size_t linked = 0;

	for (size_t i = 0; i < t->count; i++)
		linked += t->targets[i].linked;
	if (!linked)
		return 0;
	t->wanted = calloc(linked, sizeof(struct node *));
	if (!t->wanted)
		return no_memory(e);
	if (note_links(t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (t->targets[i].linked)
			t->wanted[t->wanted_count++] =
				edit_links_node(t->links, t->targets[i].n);
	qsort(t->wanted, linked, sizeof(t->wanted[0]), compare_node);
	return engine_walk(t->en, engine_root(t->en), "", adopt_step, t, e);
}

static int adopt_each(struct tree *t, struct err *e)
{
	if (adopt_linked(t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		struct target *g = &t->targets[i];

		if (g->linked)
			g->id = engine_record(edit_links_node(t->links, g->n));
		else if (edit_adopt_path(t->en, g->place->path, g->n, &g->id, e) < 0)
			return -1;
	}
	return 0;
}

/* By record, and in the order of the command line. */
static int compare_target(const void *a, const void *b)
{
	const struct target *x = *(struct target *const *)a;
	const struct target *y = *(struct target *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int find_repeated(struct tree *t, struct err *e)
{
	cleanup_free struct target **sorted = calloc(t->count, sizeof(*sorted));

	if (!sorted)
		return no_memory(e);
	for (size_t i = 0; i < t->count; i++)
		sorted[i] = &t->targets[i];
	qsort(sorted, t->count, sizeof(*sorted), compare_target);
	for (size_t i = 1; i < t->count; i++)
		sorted[i]->again = sorted[i]->id == sorted[i - 1]->id;
	return 0;
}

static int change_each(struct tree *t, struct err *e)
{
	if (adopt_each(t, e) < 0 || find_repeated(t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		const struct target *g = &t->targets[i];

		if (!g->again && change_record(t, g->n, g->place->path, g->id, e) < 0)
			return -1;
	}
	return 0;
}

/* True unless the record is known to have every name that the staging file has. */
static bool has_more_names(struct engine *en, const struct place *p, const struct node *n)
{
	cleanup_close int fd = -1;
	struct stat shown, st;
	struct err ignored;

	if (!engine_host_linked(n))
		return false;
	engine_stat(en, n, &shown);
	fd = stage_openat(engine_stage(en), p->path, O_PATH, &ignored);
	return !engine_record(n) || engine_split(n) || fd < 0 || fstat(fd, &st) < 0 ||
	       shown.st_nlink < st.st_nlink;
}

static int find_targets(struct tree *t, const struct place *places, struct err *e)
{
	t->targets = calloc(t->count, sizeof(*t->targets));
	if (!t->targets)
		return no_memory(e);
	for (size_t i = 0; i < t->count; i++) {
		struct target *g = &t->targets[i];

		g->place = &places[i];
		g->n = engine_find(t->en, places[i].path, e);
		if (!g->n)
			return -1;
		g->linked = has_more_names(t->en, &places[i], g->n);
	}
	return 0;
}

static int change(struct tree *t, const struct place *places, struct err *e)
{
	struct db *db = engine_db(t->en);

	if (find_targets(t, places, e) < 0 || db_begin(db, e) < 0)
		return -1;
	if (t->ep->recursive ? change_below(t, e) < 0 : change_each(t, e) < 0)
		return -1;
	return db_commit(db, e);
}

static int change_tree(const struct edit_paths *ep, const struct place *places,
	size_t count, struct err *e)
{
	/* A tree that is named gets a database; one that was found has it. */
	enum db_mode mode = ep->staging ? DB_CREATE : DB_WRITE;
	bool fresh = fresh_is(places->db);
	struct tree t = {.ep = ep, .count = count};
	struct engine_options o = {0};
	cleanup_loan struct loan loan = {0};
	int rc;

	if (loan_take(&loan, places, e) < 0 || place_open(places, mode, &o, &t.en, e) < 0)
		return -1;
	rc = change(&t, places, e);
	if (rc < 0 && fresh)
		fresh_remove(engine_db(t.en));
	if (ep->tree_done)
		ep->tree_done(ep->arg);
	edit_links_free(t.links);
	free(t.targets);
	free(t.wanted);
	engine_close(t.en);
	return rc;
}

static bool same_tree(const struct place *a, const struct place *b)
{
	return strcmp(a->staging, b->staging) == 0 && strcmp(a->db, b->db) == 0;
}

static int change_trees(const struct edit_paths *ep, const struct place *places,
	size_t count, struct err *e)
{
	size_t end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && same_tree(&places[i], &places[end]);)
			end++;
		if (change_tree(ep, &places[i], end - i, e) < 0)
			return -1;
	}
	return 0;
}

int edit_paths(const struct edit_paths *ep, int count, char **paths, struct err *e)
{
	struct place *places = calloc((size_t)count, sizeof(*places));
	int rc = places ? 0 : no_memory(e);

	for (int i = 0; rc == 0 && i < count; i++)
		rc = locate_path(&places[i], paths[i], ep->staging, ep->db, e);
	if (rc == 0)
		rc = change_trees(ep, places, (size_t)count, e);
	for (int i = 0; places && i < count; i++)
		place_free(&places[i]);
	free(places);
	return rc;
}
