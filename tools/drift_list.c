/* SPDX-License-Identifier: MIT */
#include "tools/drift_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "tools/locate.h"

static void add(void *arg, const struct drift *d)
{
	struct drift_list *l = arg;
	struct drift_item i = {.d = *d};

	if (l->no_memory)
		return;
	i.path = strdup(d->path);
	i.to = d->to ? strdup(d->to) : NULL;
	if (!i.path || (d->to && !i.to) || array_room(l->items, l->count, &l->room)) {
		free(i.path);
		free(i.to);
		l->no_memory = true;
		return;
	}
	i.d.path = i.path;
	i.d.to = i.to;
	l->items[l->count++] = i;
}

void drift_list_free(struct drift_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].path);
		free(l->items[i].to);
	}
	free(l->items);
	free(l->by_old);
	free(l->by_new);
	*l = (struct drift_list){0};
}

/* Where the database has it; NULL where it has a record there that counts, or none. */
static const char *old_path(const struct drift_item *i)
{
	return i->d.kind == DRIFT_GONE || i->d.kind == DRIFT_MOVED ? i->d.path : NULL;
}

/* Where its file is. */
static const char *new_path(const struct drift_item *i)
{
	return i->d.kind == DRIFT_GONE ? NULL : i->d.to ? i->d.to : i->d.path;
}

static const struct drift_item *item_at(const void *p)
{
	return *(const struct drift_item *const *)p;
}

static int by_old(const void *x, const void *y)
{
	return strcmp(item_at(x)->d.path, item_at(y)->d.path);
}

static int by_new(const void *x, const void *y)
{
	const struct drift_item *a = item_at(x), *b = item_at(y);
	int c = strcmp(new_path(a), new_path(b));

	return c ? c : a < b ? -1 : a > b;
}

int drift_list_read(struct drift_list *l, struct engine *en, struct err *e)
{
	*l = (struct drift_list){0};
	if (drift_find(en, add, l, e) < 0)
		return -1;
	l->by_old = calloc(l->count + 1, sizeof(struct drift_item *));
	l->by_new = calloc(l->count + 1, sizeof(struct drift_item *));
	if (l->no_memory || !l->by_old || !l->by_new)
		return err_set(e, ERR_SYS, "out of memory");
	for (size_t i = 0; i < l->count; i++) {
		if (old_path(&l->items[i]))
			l->by_old[l->old_count++] = &l->items[i];
		if (new_path(&l->items[i]))
			l->by_new[l->new_count++] = &l->items[i];
	}
	qsort(l->by_old, l->old_count, sizeof(struct drift_item *), by_old);
	qsort(l->by_new, l->new_count, sizeof(struct drift_item *), by_new);
	return 0;
}

bool drift_in_scope(const struct drift_scope *s, const struct drift *d)
{
	bool in = s->count == 0;

	for (size_t i = 0; !in && i < s->count; i++)
		in = !*s->paths[i] || path_inside(d->path, s->paths[i]) ||
		     (d->to && path_inside(d->to, s->paths[i]));
	return in;
}

/* path against the first len bytes of key and the byte behind them. */
static int compare_key(const char *path, const char *key, size_t len, char end)
{
	int c = strncmp(path, key, len);

	return c ? c : (int)(unsigned char)path[len] - (int)(unsigned char)end;
}

/* The first item whose path is no less than that. */
static size_t lower_bound(struct drift_item **sorted, size_t count,
	const char *(*path)(const struct drift_item *i), const char *key, size_t len,
	char end)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_key(path(sorted[mid]), key, len, end) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Chosen items wait in a list of their own, so that depth costs no stack. */
struct choice {
	struct drift_list *l;
	struct drift_item **waiting;
	size_t count;
};

static void choose(struct choice *c, struct drift_item *i)
{
	if (i->chosen)
		return;
	i->chosen = true;
	c->waiting[c->count++] = i;
}

/* Items whose file is at the first len bytes of path. */
static void choose_at(struct choice *c, const char *path, size_t len)
{
	struct drift_list *l = c->l;
	size_t n = lower_bound(l->by_new, l->new_count, new_path, path, len, '\0');

	for (; n < l->new_count; n++) {
		if (compare_key(new_path(l->by_new[n]), path, len, '\0') != 0)
			break;
		choose(c, l->by_new[n]);
	}
}

/* The file itself, and the directories that need a record before it can have one. */
static void choose_above(struct choice *c, const char *path)
{
	choose_at(c, path, strlen(path));
	for (const char *p = path; (p = strchr(p, '/')); p++)
		choose_at(c, path, (size_t)(p - path));
}

/* Items that had a name at path or below. */
static void choose_below(struct choice *c, const char *path)
{
	struct drift_list *l = c->l;
	size_t len = strlen(path);
	size_t n = lower_bound(l->by_old, l->old_count, old_path, path, len, '/');

	for (; n < l->old_count; n++) {
		if (compare_key(l->by_old[n]->d.path, path, len, '/') != 0)
			break;
		choose(c, l->by_old[n]);
	}
	n = lower_bound(l->by_old, l->old_count, old_path, path, len, '\0');
	for (; n < l->old_count; n++) {
		if (compare_key(l->by_old[n]->d.path, path, len, '\0') != 0)
			break;
		choose(c, l->by_old[n]);
	}
}

void drift_choose(struct drift_list *l, struct drift_item *i)
{
	struct choice c = {.l = l};

	if (i->chosen)
		return;
	c.waiting = calloc(l->count, sizeof(struct drift_item *));
	if (!c.waiting) {
		l->no_memory = true;
		return;
	}
	choose(&c, i);
	while (c.count) {
		const struct drift_item *next = c.waiting[--c.count];

		if (new_path(next))
			choose_above(&c, new_path(next));
		/* A record that goes, or goes elsewhere, takes all names below along. */
		if (old_path(next) || next->d.kind == DRIFT_REPLACED)
			choose_below(&c, next->d.path);
	}
	free(c.waiting);
}

void drift_choose_scope(struct drift_list *l, const struct drift_scope *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (drift_in_scope(s, &l->items[i].d))
			drift_choose(l, &l->items[i]);
}

struct drift_item *drift_at(const struct drift_list *l, const char *path)
{
	size_t len = strlen(path);
	size_t n = lower_bound(l->by_new, l->new_count, new_path, path, len, '\0');

	if (n == l->new_count || strcmp(new_path(l->by_new[n]), path) != 0)
		return NULL;
	return l->by_new[n];
}

int64_t drift_moved_to(const struct drift_list *l, const char *path)
{
	size_t n =
		lower_bound(l->by_new, l->new_count, new_path, path, strlen(path), '\0');

	for (; n < l->new_count && strcmp(new_path(l->by_new[n]), path) == 0; n++)
		if (l->by_new[n]->d.kind == DRIFT_MOVED)
			return l->by_new[n]->d.record;
	return 0;
}
