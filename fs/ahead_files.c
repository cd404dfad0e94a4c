/* SPDX-License-Identifier: MIT */
#include "fs/ahead_files.h"

#include <stdlib.h>

#include "fs/order.h"

#define WINDOW_FIRST (64 << 10)
#define WINDOW_LAST  (4 << 20)
#define EACH         256       /* bytes that an item takes beside its content */
#define TAKE_MAX     (1 << 20) /* bytes at a time: its reader waits for that long */

static void drop_ready(struct ahead_files *f, struct ahead_reader *r)
{
	ahead_content_free(r->first);
	atomic_fetch_sub(&f->bytes, r->bytes);
	r->first = NULL;
	r->behind = &r->first;
	r->bytes = 0;
}

void ahead_files_init(struct ahead_files *f)
{
	for (int i = 0; i < AHEAD_READERS; i++)
		f->readers[i].behind = &f->readers[i].first;
}

void ahead_files_stop(struct ahead_files *f)
{
	for (int i = 0; i < AHEAD_READERS; i++) {
		drop_ready(f, &f->readers[i]);
		f->readers[i].last = f->readers[i].done = NULL;
	}
}

static struct ahead_reader *find(struct ahead_files *f, pid_t thread)
{
	for (int i = 0; i < AHEAD_READERS; i++)
		if (f->readers[i].thread == thread && f->readers[i].last)
			return &f->readers[i];
	return NULL;
}

static void begin(
	struct ahead_files *f, struct ahead_reader *r, pid_t thread, struct node *n)
{
	drop_ready(f, r);
	*r = (struct ahead_reader){
		.thread = thread,
		.last = n,
		.window = WINDOW_FIRST,
		.behind = &r->first,
		.used = f->clock,
	};
}

static struct ahead_reader *oldest(struct ahead_files *f)
{
	struct ahead_reader *r = &f->readers[0];

	for (int i = 1; i < AHEAD_READERS; i++)
		if (f->readers[i].used < r->used)
			r = &f->readers[i];
	return r;
}

/* The file is where one who reads all files comes to next. */
static bool in_order(const struct ahead_reader *r, const struct node *n)
{
	struct node *known = r->done ? r->done : r->last;
	const struct node *next;

	if (order_compare(n, r->last) < 0)
		return false;
	if (order_compare(n, known) <= 0)
		return true;
	next = order_next_file(known);
	return next && order_compare(n, next) <= 0;
}

void ahead_files_asked(struct ahead_files *f, pid_t thread, struct node *n)
{
	struct ahead_reader *r = find(f, thread);

	f->clock++;
	if (!r || (r->last != n && !in_order(r, n))) {
		begin(f, r ? r : oldest(f), thread, n);
		return;
	}
	r->used = f->clock;
	if (r->last == n)
		return;
	r->last = n;
	r->end = false;
	if (!r->done || order_compare(r->done, n) < 0)
		r->done = n;
}

void ahead_files_more(struct ahead_files *f, pid_t thread)
{
	struct ahead_reader *r = find(f, thread);

	if (r)
		r->end = false;
}

static size_t cost(const struct node *n)
{
	return (size_t)n->seen.size + EACH;
}

/* Up to TAKE_MAX bytes of it. */
static struct ahead_content *take(struct ahead_files *f, struct ahead_reader *r)
{
	struct ahead_content *first = r->first, **end = &r->first;
	size_t bytes = 0;

	while (*end && (bytes += cost((*end)->node)) <= TAKE_MAX)
		end = &(*end)->next;
	if (*end) {
		bytes -= cost((*end)->node);
		r->first = *end;
		*end = NULL;
	} else {
		r->first = NULL;
		r->behind = &r->first;
	}
	r->bytes -= bytes;
	atomic_fetch_sub(&f->bytes, bytes);
	if (r->window < WINDOW_LAST)
		r->window *= 2;
	return first;
}

/* What he has gone past already is of no use. */
static void drop_before(
	struct ahead_files *f, struct ahead_reader *r, const struct node *n)
{
	struct ahead_content *c;

	while ((c = r->first) && order_compare(c->node, n) < 0) {
		r->first = c->next;
		if (!r->first)
			r->behind = &r->first;
		c->next = NULL;
		r->bytes -= cost(c->node);
		atomic_fetch_sub(&f->bytes, cost(c->node));
		ahead_content_free(c);
	}
}

struct ahead_content *ahead_files_take(
	struct ahead_files *f, pid_t thread, const struct node *file, bool only_due)
{
	struct ahead_reader *r = find(f, thread);

	if (!r)
		return NULL;
	drop_before(f, r, file);
	if (!r->first || (only_due && r->first->node != file))
		return NULL;
	return take(f, r);
}

/* Holes are better asked for: there is nothing to bring. */
static bool worth_it(const struct node *n)
{
	return n->seen.size > 0 && n->seen.size <= AHEAD_SIZE_MAX && node_is_whole(n);
}

static bool is_due(const struct ahead_reader *r, bool low)
{
	return r->done && !r->end && r->bytes < (low ? r->window / 2 : r->window);
}

bool ahead_files_due(const struct ahead_files *f, bool low)
{
	for (int i = 0; i < AHEAD_READERS; i++)
		if (is_due(&f->readers[i], low))
			return true;
	return false;
}

static struct node *next_for(struct ahead_reader *r)
{
	struct node *n;

	if (!is_due(r, false))
		return NULL;
	while ((n = order_next_file(r->done))) {
		r->done = n;
		if (worth_it(n))
			return n;
	}
	r->end = true;
	return NULL;
}

struct ahead_reader *ahead_files_next(struct ahead_files *f, struct node **n)
{
	for (unsigned i = 0; i < AHEAD_READERS; i++) {
		struct ahead_reader *r = &f->readers[f->turn++ % AHEAD_READERS];

		*n = next_for(r);
		if (*n)
			return r;
	}
	return NULL;
}

void ahead_files_add(
	struct ahead_files *f, struct ahead_reader *r, struct ahead_content *c)
{
	if (r->done != c->node) {
		ahead_content_free(c);
		return;
	}
	*r->behind = c;
	r->behind = &c->next;
	r->bytes += cost(c->node);
	atomic_fetch_add(&f->bytes, cost(c->node));
}
