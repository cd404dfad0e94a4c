/* SPDX-License-Identifier: MIT */
/* Changes to the database: transactions, and records for files that have none. */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/live/node.h"

/* The program gets a number; the text, which says more, goes to who mounted. */
int db_errno(struct live *l, const struct err *e)
{
	if (l->opt.say)
		l->opt.say(l->opt.say_arg, e->msg);
	return -err_errno(e);
}

void orphan_dead(struct live *l, int64_t record)
{
	/* What does not fit here is dropped when the view ends. */
	if (record && array_room(l->dead, l->dead_count, &l->dead_room) == 0)
		l->dead[l->dead_count++] = record;
}

/*
 * Orphans whose file nobody has open any more go with the next change. One that cannot go
 * (a command may have named it) is no fault of that change.
 */
int drop_dead(struct live *l, struct err *e)
{
	for (size_t i = 0; i < l->dead_count; i++) {
		int64_t rc = db_name_count(l->db, l->dead[i], e);

		if (rc == 0)
			rc = db_record_drop(l->db, l->dead[i], e);
		/* What came next would be committed at once, each by itself. */
		if (rc < 0 && !db_in_transaction(l->db))
			return -1;
	}
	return 0;
}

int change_begin(struct live *l)
{
	struct err e;

	if (db_begin(l->db, &e) < 0)
		return db_errno(l, &e);
	return drop_dead(l, &e) < 0 ? change_end(l, db_errno(l, &e)) : 0;
}

int change_end(struct live *l, int rc)
{
	struct err e;

	if (rc == 0 && db_commit(l->db, &e) < 0)
		rc = db_errno(l, &e);
	if (rc < 0)
		db_rollback(l->db);
	else
		l->dead_count = 0;
	return rc;
}

void owed_free(struct live *l)
{
	for (size_t i = 0; i < l->owed_count; i++)
		free(l->owed[i].name);
	l->owed_count = 0;
}

/* Names that went while the database was full; no other change came in between. */
static int drop_owed(struct live *l, struct err *e)
{
	int rc = db_begin(l->db, e);

	for (size_t i = 0; rc == 0 && i < l->owed_count; i++)
		rc = db_name_drop(l->db, l->owed[i].parent, l->owed[i].name,
			strlen(l->owed[i].name), e);
	if (rc == 0)
		rc = db_commit(l->db, e);
	if (rc < 0) {
		db_rollback(l->db);
		return -1;
	}
	owed_free(l);
	return 0;
}

/* The database follows the staging tree, where it could not before. */
static int catch_up(struct live *l)
{
	struct err e;

	/* The log may be what takes the room. */
	if (intent_finish(l->intent, l->stage, l->db, &e) < 0 &&
		(db_checkpoint(l->db, true, &e) < 0 ||
			intent_finish(l->intent, l->stage, l->db, &e) < 0))
		return db_errno(l, &e);
	if (l->owed_count && drop_owed(l, &e) < 0)
		return db_errno(l, &e);
	l->unsettled = false;
	l->generation++;
	return 0;
}

int removal_ready(struct live *l, struct live_node *n)
{
	while (l->lent)
		pthread_cond_wait(&l->returned, &l->lock);
	change_room(l);
	if (l->unsettled)
		catch_up(l);
	return node_sync(l, n);
}

int owe_removal(struct live *l, const struct live_node *dir, const char *name)
{
	struct owed_name *o;

	if (!dir->r.id)
		return 0;
	if (array_room(l->owed, l->owed_count, &l->owed_room) < 0)
		return -ENOMEM;
	o = &l->owed[l->owed_count];
	*o = (struct owed_name){dir->r.id, strdup(name)};
	if (!o->name)
		return -ENOMEM;
	l->owed_count++;
	return 0;
}

int change_ready(struct live *l, struct live_node *n)
{
	int rc = 0;

	while (l->lent)
		pthread_cond_wait(&l->returned, &l->lock);
	if (l->unsettled)
		rc = catch_up(l);
	return rc == 0 ? node_sync(l, n) : rc;
}

#define PLENTY     (64 << 20) /* no need to look again for a while */
#define PLENTY_FOR 20         /* milliseconds */
#define TIGHT      (4 << 20)  /* the log had better be short */
#define ROOM       (1 << 20)  /* many times what one operation adds to it */
#define TRIM_EVERY 32         /* operations */

static int64_t room_left(const struct live *l)
{
	struct statvfs sv;

	if (statvfs(db_path(l->db), &sv) < 0)
		return -1;
	return (int64_t)(sv.f_bavail * sv.f_frsize);
}

int change_room(struct live *l)
{
	struct err e;
	int64_t left;

	if (clock_ms() - l->room_seen < PLENTY_FOR)
		return 0;
	left = room_left(l);
	if (left >= PLENTY) {
		l->room_seen = clock_ms();
		return 0;
	}
	/* What hinders it is told when a change fails. */
	if (left < TIGHT && l->tight++ % TRIM_EVERY == 0 &&
		db_checkpoint(l->db, true, &e) == 0)
		left = room_left(l);
	return left < ROOM ? -ENOSPC : 0;
}

void change_noted(struct live *l, int rc)
{
	if (rc == 0)
		intent_clear(l->intent);
	else
		l->unsettled = true;
}

/* n's own fields follow only once the transaction is through. */
int node_put(struct live *l, const struct db_record *r)
{
	struct db_record put = *r;
	struct err e;

	return db_record_put(l->db, &put, &e) < 0 ? db_errno(l, &e) : 0;
}

static void set_hint(struct db_record *r, const struct statx *st)
{
	r->hint.dev = stage_dev(st);
	r->hint.ino = st->stx_ino;
	r->hint.btime = stage_btime(st);
}

struct copy {
	struct db *db;
	int64_t to;
	struct err *e;
};

static int copy_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct copy *c = arg;

	return db_xattr_put(c->db, c->to, name, value, len, c->e);
}

/* A record of its own, silent or like the one that it only shares, for one name. */
static int make_record(struct live *l, struct live_node *n, const struct statx *st)
{
	struct db_record r = n->split ? n->r : db_record_new(st->stx_mode);
	struct err e;
	struct copy c = {.db = l->db, .e = &e};
	int rc = change_begin(l);

	if (rc < 0)
		return rc;
	r.id = 0;
	/* The staging file loses them, as an ordinary user's files do. */
	if (!n->split && S_ISREG(st->stx_mode) && st->stx_mode & 06000)
		r.mode = st->stx_mode & 07777;
	set_hint(&r, st);
	rc = db_record_put(l->db, &r, &e);
	c.to = r.id;
	if (rc == 0 && n->split)
		rc = db_xattr_each(l->db, n->r.id, copy_xattr, &c, &e);
	if (rc == 0 && n->parent)
		rc = db_name_put(
			l->db, n->parent->r.id, n->name, strlen(n->name), r.id, &e);
	rc = change_end(l, rc < 0 ? db_errno(l, &e) : 0);
	if (rc == 0) {
		n->r = r;
		n->split = false;
		n->orphan = !n->parent && n != l->root;
	}
	return rc;
}

/* From the top down. */
int node_adopt(struct live *l, struct live_node *n, const struct statx *st)
{
	int rc = change_ready(l, n);
	bool linked;

	while (rc == 0 && n->parent && !n->parent->r.id) {
		cleanup_grip struct grip g = GRIP_NONE;
		struct live_node *top = n->parent;

		while (top->parent && !top->parent->r.id)
			top = top->parent;
		rc = grip_node(l, top, &g);
		if (rc == 0)
			rc = make_record(l, top, &g.st);
	}
	if (rc < 0 || (n->r.id && !n->split))
		return rc;
	linked = !n->split && st->stx_nlink > 1 && !S_ISDIR(st->stx_mode);
	rc = linked ? live_links_find(l) : 0;
	if (rc == 0 && linked)
		rc = live_links_join(l, n);
	if (rc == 0)
		rc = make_record(l, n, st);
	return rc >= 0 && linked ? live_links_record(l, n) : rc;
}
