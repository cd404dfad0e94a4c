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
	int64_t since = now_ms() - (int64_t)(LIVE_TIMEOUT * 1000) - 50;
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

static void *keep(void *arg)
{
	struct live *l = arg;
	struct err e;
	int rc;

	rc = db_wait_back(l->db, &e);
	pthread_mutex_lock(&l->lock);
	l->settling = true;
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
	tell(l);
	l->settling = false;
	pthread_cond_broadcast(&l->returned);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static int start_keeper(struct live *l)
{
	struct err e;

	if (l->keeper_runs)
		pthread_join(l->keeper, NULL);
	l->lent = true;
	l->keeper_runs = pthread_create(&l->keeper, NULL, keep, l) == 0;
	if (l->keeper_runs)
		return 0;
	l->lent = false;
	return db_wait_back(l->db, &e) < 0 ? db_errno(l, &e) : -EAGAIN;
}

int live_lend(struct live *l)
{
	struct err e;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	while (l->settling)
		pthread_cond_wait(&l->returned, &l->lock);
	if (l->closing)
		rc = -ESHUTDOWN;
	else if (!l->lent)
		rc = db_lend(l->db, &e) < 0 ? db_errno(l, &e) : start_keeper(l);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_returned(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->lent || l->settling)
		pthread_cond_wait(&l->returned, &l->lock);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

void live_end_loans(struct live *l)
{
	bool runs;

	pthread_mutex_lock(&l->lock);
	l->closing = true;
	runs = l->keeper_runs;
	l->keeper_runs = false;
	pthread_mutex_unlock(&l->lock);
	if (runs)
		pthread_join(l->keeper, NULL);
}
