/* SPDX-License-Identifier: MIT */
#include "fs/ahead_dirs.h"

#include <stdlib.h>
#include <string.h>

#include "fs/order.h"

#define WINDOW_FIRST 64 /* names that are read ahead of a reader who has just begun */
#define WINDOW_LAST  8192
#define LOST_MAX     4    /* then he is left alone for a while */
#define LOST_PAUSE   1000 /* milliseconds */
#define AGE_MAX      2000 /* milliseconds that a listing holds */

/* A directory whose subdirectories are still to be read. */
struct ahead_level {
	size_t path_len;
	const struct dir *dir; /* loaded; NULL: these are its subdirectories */
	struct subdir *subdirs;
	size_t count, next;
};

struct subdir {
	char *name;
	struct dirlist_key key;
};

struct ahead_ready {
	struct ahead_ready *next;
	struct dirlist *listing;
	char *path;
	int64_t when;
};

void ahead_dirs_init(struct ahead_dirs *d)
{
	*d = (struct ahead_dirs){.window = WINDOW_FIRST, .last = &d->first};
}

static void pop(struct ahead_dirs *d)
{
	struct ahead_level *l = &d->levels[--d->depth];

	for (size_t i = 0; l->subdirs && i < l->count; i++)
		free(l->subdirs[i].name);
	free(l->subdirs);
}

static void free_ready(struct ahead_ready *r)
{
	dirlist_drop(r->listing);
	free(r->path);
	free(r);
}

void ahead_dirs_stop(struct ahead_dirs *d)
{
	struct ahead_ready *r;

	while (d->depth)
		pop(d);
	while ((r = d->first)) {
		d->first = r->next;
		free_ready(r);
	}
	d->last = &d->first;
	d->names = 0;
	d->outdated = true;
}

void ahead_dirs_free(struct ahead_dirs *d)
{
	ahead_dirs_stop(d);
	free(d->levels);
	buf_free(&d->path);
}

static struct ahead_level *push(struct ahead_dirs *d)
{
	if (d->depth == d->room) {
		size_t room = d->room ? d->room * 2 : 32;
		struct ahead_level *l = reallocarray(d->levels, room, sizeof(*l));

		if (!l)
			return NULL;
		d->levels = l;
		d->room = room;
	}
	return &d->levels[d->depth++];
}

static bool set_path(struct ahead_dirs *d, const struct ahead_level *l, const char *name)
{
	d->path.len = l->path_len;
	if (d->path.len && buf_addc(&d->path, '/') < 0)
		return false;
	return buf_adds(&d->path, name) == 0;
}

/* The levels above first; below: what of dir has been walked already, NULL: nothing. */
static bool push_loaded(
	struct ahead_dirs *d, const struct node *n, const struct node *below)
{
	const struct dir *dir = node_dir(n);
	struct ahead_level *l;

	if (n->parent && !push_loaded(d, n->parent, n))
		return false;
	l = dir ? push(d) : NULL;
	if (!l)
		return false;
	*l = (struct ahead_level){
		.dir = dir, .count = dir->count, .path_len = d->path.len};
	if (!below)
		return true;
	l->next = order_behind(below);
	return set_path(d, l, below->name);
}

void ahead_dirs_start(struct ahead_dirs *d, struct node *dir, int64_t now)
{
	bool in_vain = d->depth || d->first;

	ahead_dirs_stop(d);
	if (in_vain && d->lost < LOST_MAX)
		d->lost++;
	if (d->lost == LOST_MAX && now - d->started < LOST_PAUSE)
		return;
	d->started = now;
	d->window = WINDOW_FIRST;
	d->path.len = 0;
	if (!push_loaded(d, dir, NULL))
		ahead_dirs_stop(d);
}

bool ahead_dirs_due(const struct ahead_dirs *d, bool low)
{
	return d->depth && !d->reading && d->names < (low ? d->window / 2 : d->window);
}

/* The next subdirectory that nobody has loaded. */
static const char *next_of(struct ahead_level *l, struct dirlist_key *key)
{
	while (l->next < l->count) {
		size_t i = l->next++;
		const struct node *n;

		if (!l->dir) {
			*key = l->subdirs[i].key;
			return l->subdirs[i].name;
		}
		n = l->dir->entries[i].node;
		if (!S_ISDIR(n->mode) || node_dir(n))
			continue;
		*key = node_dirlist_key(n);
		return l->dir->entries[i].name;
	}
	return NULL;
}

bool ahead_dirs_next(struct ahead_dirs *d, struct dirlist_key *key)
{
	while (d->depth) {
		struct ahead_level *l = &d->levels[d->depth - 1];
		const char *name = next_of(l, key);

		if (name && set_path(d, l, name)) {
			d->reading = true;
			d->outdated = false;
			return true;
		}
		pop(d);
	}
	return false;
}

/* A record of another type than a directory does not hold for one. */
static bool push_subdirs(struct ahead_dirs *d, const struct dirlist *l)
{
	struct ahead_level *level = push(d);

	if (!level)
		return false;
	*level = (struct ahead_level){.path_len = d->path.len};
	level->subdirs = calloc(l->list.count + 1, sizeof(*level->subdirs));
	for (size_t i = 0; level->subdirs && i < l->list.count; i++) {
		const struct stage_entry *s = &l->list.entries[i];
		const struct db_record *r = &l->records[i];
		struct subdir *sub = &level->subdirs[level->count];

		if (!S_ISDIR(s->st.stx_mode))
			continue;
		sub->name = strdup(s->name);
		if (!sub->name)
			return false;
		sub->key.dev = stage_dev(&s->st);
		sub->key.ino = s->st.stx_ino;
		sub->key.record = r->id && r->type == S_IFDIR ? r->id : 0;
		level->count++;
	}
	return level->subdirs;
}

void ahead_dirs_add(struct ahead_dirs *d, struct dirlist *l, int64_t now)
{
	struct ahead_ready *r = l && !d->outdated ? malloc(sizeof(*r)) : NULL;

	d->reading = false;
	if (!r) {
		dirlist_drop(l);
		return;
	}
	*r = (struct ahead_ready){
		.listing = l, .path = strdup(d->path.data), .when = now};
	if (!r->path || !push_subdirs(d, l)) {
		free_ready(r);
		return;
	}
	*d->last = r;
	d->last = &r->next;
	d->names += l->list.count + 1;
}

struct dirlist *ahead_dirs_take(struct ahead_dirs *d, const char *path,
	const struct dirlist_key *key, int64_t now)
{
	struct ahead_ready **at = &d->first;
	struct ahead_ready *r;
	struct dirlist *l;

	while ((r = *at) && strcmp(r->path, path) != 0)
		at = &r->next;
	if (!r)
		return NULL;
	*at = r->next;
	if (!r->next)
		d->last = at;
	l = r->listing;
	r->listing = NULL;
	d->names -= l->list.count + 1;
	if (now - r->when > AGE_MAX || l->key.dev != key->dev || l->key.ino != key->ino ||
		l->key.record != key->record) {
		dirlist_drop(l);
		l = NULL;
	}
	free_ready(r);
	d->lost = 0;
	if (d->window < WINDOW_LAST)
		d->window *= 2;
	return l;
}
