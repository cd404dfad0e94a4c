/* SPDX-License-Identifier: MIT */
/*
 * The database lent to a command. A thread waits on the locks for the loan's end, however
 * it ends; then records are read again, and what the kernel was told lately is taken
 * back.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "fs/live/node.h"

void live_on_change(
	struct live *l, void (*changed)(void *arg, struct live_node *n), void *arg)
{
	l->changed = changed;
	l->changed_arg = arg;
}

/* The nodes that the kernel may still show as they were, held; their number. */
static size_t lately_given(struct live *l, struct live_node ***out)
{
	int64_t since = now_ms() - (int64_t)(LIVE_TIMEOUT * 1000) - 50;
	size_t count = 0;

	*out = calloc(l->count + 1, sizeof(**out));
	for (size_t i = 0; *out && i < l->bucket_count; i++)
		for (struct live_node *n = l->buckets[i]; n; n = n->next)
			if (n->lookups && n->given >= since) {
				node_hold(n);
				(*out)[count++] = n;
			}
	return count;
}

/* Without the lock: the kernel may ask something before it takes it. */
static void tell(struct live *l)
{
	cleanup_free struct live_node **nodes = NULL;
	size_t count = lately_given(l, &nodes);

	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < count && l->changed; i++)
		l->changed(l->changed_arg, nodes[i]);
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < count; i++)
		node_drop_hold(l, nodes[i]);
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
	/* Where that failed, each record is read again too: nothing is taken for granted.
	 */
	if (rc != 0) {
		l->generation++;
		node_sync(l, l->root);
		tell(l);
	}
	l->lent = l->settling = false;
	pthread_cond_broadcast(&l->returned);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

int live_lend(struct live *l)
{
	struct err e;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	while (l->settling)
		pthread_cond_wait(&l->returned, &l->lock);
	if (l->lent || l->closing) {
		rc = l->closing ? -ESHUTDOWN : 0;
	} else {
		if (l->keeper_runs)
			pthread_join(l->keeper, NULL);
		l->keeper_runs = false;
		if (db_lend(l->db, &e) < 0) {
			rc = db_errno(l, &e);
		} else {
			l->lent = true;
			l->keeper_runs = pthread_create(&l->keeper, NULL, keep, l) == 0;
			if (!l->keeper_runs) {
				l->lent = false;
				rc = db_wait_back(l->db, &e) < 0 ? db_errno(l, &e)
								 : -EAGAIN;
			}
		}
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_returned(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->lent)
		pthread_cond_wait(&l->returned, &l->lock);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

void live_end_loans(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	pthread_mutex_unlock(&l->lock);
	if (l->keeper_runs)
		pthread_join(l->keeper, NULL);
	l->keeper_runs = false;
}
