/* SPDX-License-Identifier: MIT */
#include "tools/labels/diff.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "fs/edit.h"

/* A name of a file that has several: asked when all of them are known. */
struct linked {
	struct node *node;
	char *path;
};

/* The directories from the root down to where the walk is. */
struct cursors {
	struct labeler_cursor side[DIFF_SIDES];
};

struct finder {
	struct label_diff *out;
	struct engine *en;
	struct labeler *const *labelers;
	void (*step)(void *arg);
	void *arg;
	struct buf path; /* absolute */
	struct cursors *cursors;
	size_t cursor_room;
	struct edit_links *links;
	struct linked *linked;
	size_t linked_count, linked_room;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

bool label_result_equal(const struct labeler_result *a, const struct labeler_result *b)
{
	if (a->answer != b->answer)
		return false;
	return a->answer != LABELER_LABEL ||
	       strcmp(a->rule->context, b->rule->context) == 0;
}

/* The array with room for one more; NULL: it is as it was, and e says why. */
static void *reserve(void *items, size_t count, size_t *room, size_t size, struct err *e)
{
	size_t more = *room ? *room * 2 : 64;
	void *p;

	if (count < *room)
		return items;
	p = reallocarray(items, more, size);
	if (p)
		*room = more;
	else
		no_memory(e);
	return p;
}

static int add_change(struct label_diff *d, const char *path,
	const struct label_change *c, struct err *e)
{
	struct label_change *p =
		reserve(d->changes, d->count, &d->room, sizeof(*d->changes), e);

	if (!p)
		return -1;
	d->changes = p;
	p[d->count] = *c;
	p[d->count].path = strdup(path);
	return p[d->count++].path ? 0 : no_memory(e);
}

/* Looks up a path in both, in the directory of the cursors where there are any. */
static int compare(struct finder *f, const struct cursors *dir, const char *path,
	const struct node *n, struct err *e)
{
	struct label_change c = {0};
	struct stat st;

	engine_stat(f->en, n, &st);
	c.mode = st.st_mode;
	for (int i = 0; i < DIFF_SIDES; i++) {
		struct labeler *l = f->labelers[i];
		int rc = dir ? labeler_lookup_in(
				       l, &dir->side[i], path, st.st_mode, &c.side[i], e)
			     : labeler_lookup(l, path, st.st_mode, &c.side[i], e);

		if (rc < 0)
			return err_wrap(e, "%s", path);
	}
	f->out->inodes++;
	if (f->step)
		f->step(f->arg);
	if (label_result_equal(&c.side[DIFF_OLD], &c.side[DIFF_NEW]))
		return 0;
	return add_change(f->out, path, &c, e);
}

static int enter(struct finder *f, size_t depth, const char *path, struct err *e)
{
	struct cursors *p =
		reserve(f->cursors, depth, &f->cursor_room, sizeof(*f->cursors), e);

	if (!p)
		return -1;
	f->cursors = p;
	for (int i = 0; i < DIFF_SIDES; i++) {
		const struct labeler_cursor *above = depth ? &p[depth - 1].side[i] : NULL;

		if (labeler_enter(f->labelers[i], above, path, &p[depth].side[i], e) < 0)
			return err_wrap(e, "%s", path);
	}
	return 0;
}

static int remember_link(struct finder *f, const struct walk_step *s, struct err *e)
{
	struct linked *l =
		reserve(f->linked, f->linked_count, &f->linked_room, sizeof(*l), e);

	if (!l)
		return -1;
	f->linked = l;
	if (edit_links_note(f->links, s, e) < 0)
		return -1;
	l += f->linked_count++;
	*l = (struct linked){.node = s->node, .path = strdup(f->path.data)};
	return l->path ? 0 : no_memory(e);
}

/* Of a path from the root: 0 of the root itself, 1 of what lies in it. */
static size_t depth_of(const char *path)
{
	size_t depth = *path != '\0';

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int diff_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct finder *f = arg;
	size_t depth = depth_of(s->path);

	f->path.len = 0;
	if (buf_addc(&f->path, '/') < 0 || buf_adds(&f->path, s->path) < 0)
		return no_memory(e);
	if (engine_is_dir(s->node) && enter(f, depth, f->path.data, e) < 0)
		return -1;
	if (engine_host_linked(s->node))
		return remember_link(f, s, e);
	return compare(
		f, depth ? &f->cursors[depth - 1] : NULL, f->path.data, s->node, e);
}

static int by_node(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* Of each file with several names, the bytewise first one decides. */
static int compare_linked(struct finder *f, struct err *e)
{
	const struct node *last = NULL;
	int rc = 0;

	for (size_t i = 0; i < f->linked_count; i++)
		f->linked[i].node = edit_links_node(f->links, f->linked[i].node);
	if (f->linked_count)
		qsort(f->linked, f->linked_count, sizeof(*f->linked), by_node);
	for (size_t i = 0; rc == 0 && i < f->linked_count; i++) {
		const struct linked *l = &f->linked[i];

		if (l->node != last)
			rc = compare(f, NULL, l->path, l->node, e);
		last = l->node;
	}
	return rc;
}

static int by_path(const void *a, const void *b)
{
	const struct label_change *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int label_diff_find(struct label_diff *out, struct engine *en,
	struct labeler *const sides[DIFF_SIDES], void (*step)(void *arg), void *arg,
	struct err *e)
{
	struct finder f = {
		.out = out,
		.en = en,
		.labelers = sides,
		.step = step,
		.arg = arg,
		.links = edit_links_new(),
	};
	int rc = f.links ? 0 : no_memory(e);

	*out = (struct label_diff){0};
	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", diff_step, &f, e);
	if (rc == 0)
		rc = compare_linked(&f, e);
	if (rc == 0 && out->count)
		qsort(out->changes, out->count, sizeof(*out->changes), by_path);
	for (size_t i = 0; i < f.linked_count; i++)
		free(f.linked[i].path);
	free(f.linked);
	free(f.cursors);
	buf_free(&f.path);
	edit_links_free(f.links);
	return rc;
}

void label_diff_free(struct label_diff *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->changes[i].path);
	free(d->changes);
	*d = (struct label_diff){0};
}
