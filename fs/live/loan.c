/* SPDX-License-Identifier: MIT */
/*
 * The database lent to a command. A thread waits on the locks for the loan's end, however
 * it ends; then records are read again, and what the kernel was told lately is taken
 * back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/live/node.h"

void live_on_change(struct live *l, live_changed_fn *changed, void *arg)
{
	l->changed = changed;
	l->changed_arg = arg;
}

/* A node that the kernel may still show as it was, held; and its name, if it lost it. */
struct told {
	struct live_node *node, *dir;
	char *name;
};

/* Under an old name there may be another file. */
static void note_name(struct live *l, struct told *t)
{
	cleanup_grip struct grip g = GRIP_NONE;

	if (!t->node->name || grip_node(l, t->node, &g) != -ESTALE)
		return;
	t->name = strdup(t->node->name);
	t->dir = t->name ? t->node->parent : NULL;
	if (t->dir)
		node_hold(t->dir);
}

static size_t lately_given(struct live *l, struct told **out)
{
	int64_t since = clock_ms() - (int64_t)(LIVE_TIMEOUT * 1000) - 50;
	size_t count = 0;

	*out = calloc(l->count + 1, sizeof(**out));
	for (size_t i = 0; *out && i < l->bucket_count; i++)
		for (struct live_node *n = l->buckets[i]; n; n = n->next)
			if (n->lookups && n->given >= since) {
				node_hold(n);
				(*out)[count].node = n;
				note_name(l, &(*out)[count++]);
			}
	return count;
}

/* Without the lock: the kernel may have to wait for a program's call to end. */
static void tell(struct live *l)
{
	cleanup_free struct told *told = NULL;
	size_t count = lately_given(l, &told);

	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < count && l->changed; i++)
		l->changed(l->changed_arg, told[i].node, told[i].dir, told[i].name);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < count; i++) {
		if (told[i].dir)
			node_drop_hold(l, told[i].dir);
		node_drop_hold(l, told[i].node);
		free(told[i].name);
	}
}

struct live_wait {
	struct live_wait *next;
	live_done_fn *done;
	void *arg;
	bool lend;
};

struct live_later {
	struct live_later *next;
	live_later_fn *change;
	void *arg;
};

bool live_is_lent(const struct live *l)
{
	return l->lent;
}

bool live_put_off(struct live *l, live_later_fn *change, void *arg)
{
	struct live_later *w = malloc(sizeof(*w));
	bool lent;

	if (!w)
		return false;
	*w = (struct live_later){NULL, change, arg};
	pthread_mutex_lock(&l->lock);
	lent = l->lent;
	if (lent) {
		*(l->later ? l->later_end : &l->later) = w;
		l->later_end = &w->next;
	}
	pthread_mutex_unlock(&l->lock);
	if (!lent)
		free(w);
	return lent;
}

/* One stays in the list until it is done: live_wait_put_off(). */
static void make_later(struct live *l)
{
	while (l->later) {
		struct live_later *w = l->later;

		pthread_mutex_unlock(&l->lock);
		w->change(w->arg);
		pthread_mutex_lock(&l->lock);
		l->later = w->next;
		free(w);
	}
	pthread_cond_broadcast(&l->returned);
}

void live_wait_put_off(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->later)
		pthread_cond_wait(&l->returned, &l->lock);
	pthread_mutex_unlock(&l->lock);
}

static void take_back(struct live *l)
{
	struct err e;
	int rc = db_wait_back(l->db, &e);

	pthread_mutex_lock(&l->lock);
	if (rc == 0)
		rc = db_refresh(l->db, &e);
	if (rc < 0)
		db_errno(l, &e);
	/* Where that failed, each record is read again too. */
	if (rc != 0) {
		l->generation++;
		grip_forget(l);
		node_sync(l, l->root);
	}
	l->lent = false;
	pthread_cond_broadcast(&l->returned);
	/* A program's call that waited may be what the kernel has to wait for. */
	make_later(l);
	tell(l);
}

/* Who waited is told; the first that wants to borrow does. The lock is held. */
static void tell_waiting(struct live *l)
{
	struct live_wait *w = l->waits;

	l->waits = NULL;
	while (w) {
		struct live_wait *next = w->next;
		struct err e;
		int rc = 0;

		if (w->lend && l->closing)
			rc = -ESHUTDOWN;
		else if (w->lend && !l->lent)
			rc = db_lend(l->db, &e) < 0 ? db_errno(l, &e) : 0;
		l->lent = l->lent || (w->lend && rc == 0);
		w->done(w->arg, rc);
		free(w);
		w = next;
	}
}

static void *keep(void *arg)
{
	struct live *l = arg;
	bool again;

	do {
		take_back(l);
		tell_waiting(l);
		again = l->keeper_runs = l->lent;
		pthread_cond_broadcast(&l->returned);
		pthread_mutex_unlock(&l->lock);
	} while (again);
	return NULL;
}

static int start_keeper(struct live *l)
{
	pthread_attr_t detached;
	pthread_t t;
	int rc;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &detached, keep, l);
	pthread_attr_destroy(&detached);
	return rc == 0 ? 0 : -EAGAIN;
}

static int lend_now(struct live *l)
{
	struct err e;

	if (l->closing)
		return -ESHUTDOWN;
	if (l->lent)
		return 0;
	if (db_lend(l->db, &e) < 0)
		return db_errno(l, &e);
	l->lent = l->keeper_runs = true;
	if (start_keeper(l) == 0)
		return 0;
	l->lent = l->keeper_runs = false;
	if (db_wait_back(l->db, &e) < 0 || db_refresh(l->db, &e) < 0)
		return db_errno(l, &e);
	return -EAGAIN;
}

/* Called later, unless there is no memory to remember that. */
static void wait_for_keeper(struct live *l, live_done_fn *done, void *arg, bool lend)
{
	struct live_wait *w = malloc(sizeof(*w));
	struct live_wait **last = &l->waits;

	if (!w) {
		done(arg, -ENOMEM);
		return;
	}
	*w = (struct live_wait){NULL, done, arg, lend};
	while (*last)
		last = &(*last)->next;
	*last = w;
}

void live_lend(struct live *l, live_done_fn *done, void *arg)
{
	pthread_mutex_lock(&l->lock);
	/* A loan that is just over ends with its keeper. */
	if (l->keeper_runs && !l->lent)
		wait_for_keeper(l, done, arg, true);
	else
		done(arg, lend_now(l));
	pthread_mutex_unlock(&l->lock);
}

void live_returned(struct live *l, live_done_fn *done, void *arg)
{
	pthread_mutex_lock(&l->lock);
	if (l->keeper_runs)
		wait_for_keeper(l, done, arg, false);
	else
		done(arg, 0);
	pthread_mutex_unlock(&l->lock);
}

void live_end_loans(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	while (l->keeper_runs)
		pthread_cond_wait(&l->returned, &l->lock);
	pthread_mutex_unlock(&l->lock);
}
