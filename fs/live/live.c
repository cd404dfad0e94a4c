/* SPDX-License-Identifier: MIT */
#include "fs/live/live.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/live/node.h"

static void release(struct live *l)
{
	files_stop(l);
	live_links_free(l);
	grip_forget(l);
	live_dirs_free(l);
	live_nodes_free(l);
	free(l->dead);
	owed_free(l);
	free(l->owed);
	db_close(l->db);
	stage_close(l->stage);
	pthread_cond_destroy(&l->returned);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int live_open(struct live **out, struct stage *stage, struct db *db,
	const struct live_options *o, struct err *e)
{
	struct live *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l) {
		stage_close(stage);
		db_close(db);
		return err_set(e, ERR_SYS, "out of memory");
	}
	l->stage = stage;
	l->db = db;
	l->opt = *o;
	l->generation = 1;
	l->near_grip = (struct grip)GRIP_NONE;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->returned, NULL);
	if (intent_settle(stage, db, e) < 0 || live_nodes_init(l, e) < 0 ||
		intent_open(&l->intent, db, e) < 0 ||
		(files_start(l) < 0 &&
			err_set(e, ERR_SYS, "cannot start a thread") < 0)) {
		intent_close(l->intent, true);
		release(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* Records of files that were removed and are still open go when nobody can use them. */
static int drop_orphans(struct live *l, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < l->bucket_count; i++)
		for (struct live_node *n = l->buckets[i]; n; n = n->next)
			if (n->orphan)
				orphan_dead(l, n->r.id);
	if (!l->dead_count)
		return 0;
	if (db_begin(l->db, e) < 0)
		return -1;
	rc = drop_dead(l, e);
	if (rc == 0)
		rc = db_commit(l->db, e);
	if (rc < 0)
		db_rollback(l->db);
	return rc;
}

int live_close(struct live *l, struct err *e)
{
	int rc;

	if (!l)
		return 0;
	live_end_loans(l);
	rc = drop_orphans(l, e);
	if (rc == 0) {
		errno = -live_sync(l);
		if (errno)
			rc = err_sys(e, stage_path(l->stage),
				"what was written may not be on the disk yet");
	}
	intent_close(l->intent, rc == 0);
	release(l);
	return rc;
}

struct stage *live_stage(struct live *l)
{
	return l->stage;
}

struct db *live_db(struct live *l)
{
	return l->db;
}

struct live_node *live_root(struct live *l)
{
	return l->root;
}
