/* SPDX-License-Identifier: MIT */
/* Names that go, and names that move. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/live/node.h"

/* What is under a name now, opened so that it outlives the name. */
struct victim {
	int fd; /* O_PATH; -1: there is nothing */
	struct statx st;
	struct live_node *node; /* NULL: nobody knows it */
};

static void victim_free(struct victim *v)
{
	if (v->fd >= 0)
		close(v->fd);
}

static int victim_find(struct live *l, struct live_node *dir, const struct grip *g,
	const char *name, struct victim *v)
{
	struct db_record r;
	int rc;

	*v = (struct victim){.fd = openat(g->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
	if (v->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = live_statx(v->fd, "", &v->st);
	if (rc == 0)
		rc = child_record(l, dir, name, &v->st, &r);
	if (rc == 0)
		v->node = node_find(l, &v->st, r.id);
	return rc;
}

/*
 * A file that lost a name: reached by another one if that is how it is known, else by the
 * descriptor, as long as anybody has it open.
 */
static void lose_name(struct live *l, struct victim *v, const struct live_node *dir,
	const char *name, int64_t orphan)
{
	struct live_node *n = v->node;
	bool others, known;

	if (!n) {
		orphan_dead(l, orphan);
		return;
	}
	if (orphan && orphan == n->r.id)
		n->orphan = true;
	else
		orphan_dead(l, orphan);
	if (n->r.names)
		n->r.names--;
	others = v->st.stx_nlink > 1 && !S_ISDIR(v->st.stx_mode);
	known = n->parent == dir && n->name && strcmp(n->name, name) == 0;
	/* With other names it needs no descriptor: there may be very many of its kind. */
	if (known && others && n->r.id && !n->orphan)
		node_detach(l, n, -1);
	else if (known || (!n->name && n->fd < 0 && !others))
		node_detach(l, n, take_fd(&v->fd));
	node_release(l, n);
}

static int unlink_name(
	struct live *l, struct live_node *dir, const char *name, int64_t *orphan)
{
	struct err e;
	int rc = dir->r.id ? change_begin(l) : 0;

	*orphan = 0;
	if (rc < 0 || !dir->r.id)
		return rc;
	if (db_name_unlink(l->db, dir->r.id, name, strlen(name), orphan, &e) < 0)
		rc = db_errno(l, &e);
	return change_end(l, rc);
}

static int unlink_file(struct live *l, struct live_node *dir, struct grip *g,
	const char *name, int flags)
{
	if (unlinkat(g->fd, name, flags) == 0)
		return 0;
	if (errno != EACCES || grip_writable(l, dir, g) < 0)
		return -errno;
	return unlinkat(g->fd, name, flags) < 0 ? -errno : 0;
}

/* It goes; the database may follow when there is room: on a full disk this makes some. */
static int remove_name(struct live *l, struct live_node *dir, struct grip *g,
	const char *name, int flags)
{
	struct intent_text t = {
		.kind = INTENT_REMOVE,
		.from = {dir->r.id, name},
	};
	struct victim v;
	int64_t orphan = 0;
	int rc = victim_find(l, dir, g, name, &v);

	if (rc == 0) {
		if (v.node)
			files_forget(l, v.node);
		/* The note says already what went before. */
		if (!l->unsettled)
			intent_set(l->intent, &t);
		rc = unlink_file(l, dir, g, name, flags);
	}
	if (rc == 0) {
		if (l->unsettled)
			rc = owe_removal(l, dir, name);
		else
			change_noted(l, unlink_name(l, dir, name, &orphan));
		lose_name(l, &v, dir, name, orphan);
	} else if (!l->unsettled) {
		intent_clear(l->intent);
	}
	victim_free(&v);
	return rc;
}

int live_remove(struct live *l, struct live_node *dir, const char *name, bool directory)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = removal_ready(l, dir);
	if (rc == 0)
		rc = grip_dir(l, dir, &g);
	if (rc == 0)
		rc = remove_name(l, dir, &g, name, directory ? AT_REMOVEDIR : 0);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* A directory that its owner cannot write. */
static bool victim_writable(struct live *l, const struct victim *v)
{
	struct grip g = {.fd = v->fd, .borrowed = true, .st = v->st};

	return v->node && S_ISDIR(v->st.stx_mode) && grip_writable(l, v->node, &g) == 0;
}

struct move {
	struct live_node *dir, *to_dir;
	const char *name, *to_name;
	struct grip from, to;
	struct victim moved, replaced; /* with EXCHANGE: what comes back */
	struct db_record r;            /* of what is moved; id 0: none */
	bool exchange, whiteout;
	struct birth left; /* the whiteout */
	struct statx left_st;
};

static int record_at(
	struct live *l, struct live_node *dir, const char *name, struct db_record *r)
{
	struct err e;

	*r = (struct db_record){0};
	if (dir->r.id && db_name_get(l->db, dir->r.id, name, strlen(name), r, &e) < 0)
		return db_errno(l, &e);
	return 0;
}

static int put_name(struct live *l, struct live_node *dir, const char *name,
	const struct db_record *r, struct err *e)
{
	if (!r->id)
		return 0;
	return db_name_put(l->db, dir->r.id, name, strlen(name), r->id, e);
}

/* Both names go, and come again crosswise or only one of them. */
static int move_names(struct live *l, struct move *m, int64_t *orphan)
{
	struct db_record other;
	int64_t unnamed;
	struct err e;
	int rc = record_at(l, m->to_dir, m->to_name, &other);

	if (rc == 0)
		rc = change_begin(l);
	if (rc < 0)
		return rc;
	if (m->to_dir->r.id)
		rc = db_name_unlink(l->db, m->to_dir->r.id, m->to_name,
			strlen(m->to_name), orphan, &e);
	if (rc == 0 && m->r.id && !m->exchange)
		rc = db_name_move(l->db, m->dir->r.id, m->name, strlen(m->name),
			m->to_dir->r.id, m->to_name, strlen(m->to_name), &e);
	if (rc == 0 && m->whiteout)
		rc = birth_put(l, m->dir, m->name, &m->left_st, &m->left, &e);
	if (rc == 0 && m->exchange && m->dir->r.id)
		rc = db_name_unlink(
			l->db, m->dir->r.id, m->name, strlen(m->name), &unnamed, &e);
	if (rc == 0 && m->exchange)
		rc = put_name(l, m->dir, m->name, &other, &e);
	if (rc == 0 && m->exchange)
		rc = put_name(l, m->to_dir, m->to_name, &m->r, &e);
	if (m->exchange)
		*orphan = 0;
	return change_end(l, rc < 0 ? db_errno(l, &e) : 0);
}

static void follow(struct live *l, struct move *m, int64_t orphan)
{
	struct live_node *moved = m->moved.node, *other = m->replaced.node;

	if (moved)
		node_hold(moved);
	if (other && m->exchange)
		node_set_path(l, other, m->dir, m->name);
	else if (m->replaced.fd >= 0)
		lose_name(l, &m->replaced, m->to_dir, m->to_name, orphan);
	else
		orphan_dead(l, orphan);
	if (!moved)
		return;
	node_set_path(l, moved, m->to_dir, m->to_name);
	node_drop_hold(l, moved);
}

/* Both directories, and what moves: a directory's own ".." is written. */
static bool all_writable(struct live *l, struct move *m)
{
	bool any = grip_writable(l, m->dir, &m->from) == 0;

	any |= grip_writable(l, m->to_dir, &m->to) == 0;
	any |= victim_writable(l, &m->moved);
	if (m->exchange)
		any |= victim_writable(l, &m->replaced);
	return any;
}

static void note(struct live *l, const struct move *m)
{
	struct db_record r = m->whiteout ? m->left.r : m->r;
	struct intent_text t = {
		.kind = m->exchange   ? INTENT_EXCHANGE
			: m->whiteout ? INTENT_WHITEOUT
				      : INTENT_RENAME,
		.from = {m->dir->r.id, m->name},
		.to = {m->to_dir->r.id, m->to_name},
		.ino = m->moved.st.stx_ino,
		.record = &r,
		.label = m->left.label,
	};

	r.id = m->r.id;
	intent_set(l->intent, &t);
}

static int move_file(const struct move *m, unsigned flags)
{
	int rc = renameat2(m->from.fd, m->name, m->to.fd, m->to_name, flags);

	return rc < 0 ? -errno : 0;
}

/* An empty file, as behind each device; its place is still taken. */
static int make_ready(struct live *l, struct move *m)
{
	int fd = m->from.fd;
	int rc = mknodat(fd, INTENT_READY, S_IFREG | 0644, 0);

	if (rc < 0 && errno == EACCES && grip_writable(l, m->dir, &m->from) == 0)
		rc = mknodat(fd, INTENT_READY, S_IFREG | 0644, 0);
	return rc < 0 ? -errno : live_statx(fd, INTENT_READY, &m->left_st);
}

/* Where somebody was faster, beside the view, that counts. */
static int put_in_place(struct move *m)
{
	int fd = m->from.fd, rc = 0;

	if (renameat2(fd, INTENT_READY, fd, m->name, RENAME_NOREPLACE) < 0) {
		rc = errno == EEXIST ? 0 : -errno;
		unlinkat(fd, INTENT_READY, 0);
		m->whiteout = false;
	}
	return rc;
}

static int move_files(struct live *l, struct move *m, unsigned flags)
{
	int rc = m->whiteout ? make_ready(l, m) : 0;

	if (rc < 0)
		return rc;
	rc = move_file(m, flags);
	if (rc == -EACCES && all_writable(l, m)) {
		/* That may have made a record of what moves. */
		rc = record_at(l, m->dir, m->name, &m->r);
		note(l, m);
		if (rc == 0)
			rc = move_file(m, flags);
	}
	if (rc < 0 && m->whiteout)
		unlinkat(m->from.fd, INTENT_READY, 0);
	return rc;
}

static int rename_both(struct live *l, struct move *m, unsigned flags)
{
	int64_t orphan = 0;
	int rc, left;

	grip_forget(l);
	note(l, m);
	rc = move_files(l, m, flags);
	if (rc < 0) {
		intent_clear(l->intent);
		return rc;
	}
	left = m->whiteout ? put_in_place(m) : 0;
	rc = move_names(l, m, &orphan);
	if (rc < 0 && m->whiteout && m->replaced.fd < 0)
		unlinkat(m->from.fd, m->name, 0);
	/* Back, unless something was replaced: that is gone. */
	if (rc < 0 && (m->exchange || m->replaced.fd < 0) &&
		renameat2(m->to.fd, m->to_name, m->from.fd, m->name,
			m->exchange ? flags : RENAME_NOREPLACE) == 0) {
		intent_clear(l->intent);
		return rc;
	}
	follow(l, m, rc == 0 ? orphan : 0);
	change_noted(l, rc);
	return rc < 0 ? rc : left;
}

static bool same_file(const struct victim *a, const struct victim *b)
{
	return a->fd >= 0 && b->fd >= 0 && a->st.stx_ino == b->st.stx_ino &&
	       stage_dev(&a->st) == stage_dev(&b->st);
}

static int prepare(struct live *l, struct move *m)
{
	int rc = change_ready(l, m->dir);

	if (rc == 0)
		rc = grip_node(l, m->dir, &m->from);
	if (rc == 0)
		rc = grip_node(l, m->to_dir, &m->to);
	if (rc == 0)
		rc = record_at(l, m->dir, m->name, &m->r);
	/* A record wants a directory with a record to be in. */
	if (rc == 0)
		rc = node_adopt(l, m->to_dir, &m->to.st);
	if (rc == 0 && (m->exchange || m->whiteout))
		rc = node_adopt(l, m->dir, &m->from.st);
	if (rc == 0)
		rc = change_room(l);
	if (rc == 0)
		rc = victim_find(l, m->dir, &m->from, m->name, &m->moved);
	if (rc == 0)
		rc = victim_find(l, m->to_dir, &m->to, m->to_name, &m->replaced);
	return rc;
}

static bool holds_names(const struct victim *v)
{
	int fd = openat(v->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool any = false;

	if (fd >= 0 && !d)
		close(fd);
	while (d && !any && (e = readdir(d)))
		any = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		closedir(d);
	return any;
}

/* What would fail must not touch the directory first. */
static int prepare_whiteout(struct live *l, struct move *m, unsigned flags)
{
	static const struct live_new device = {.mode = S_IFCHR};

	if (m->moved.fd < 0)
		return -ENOENT;
	if (m->replaced.fd >= 0 && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (m->replaced.fd >= 0 && S_ISDIR(m->replaced.st.stx_mode) &&
		holds_names(&m->replaced))
		return -ENOTEMPTY;
	return birth_conceive(l, m->dir, &m->from, m->name, &device, &m->left);
}

int live_rename(struct live *l, struct live_node *dir, const char *name,
	struct live_node *to_dir, const char *to_name, unsigned flags)
{
	struct move m = {
		.dir = dir,
		.name = name,
		.to_dir = to_dir,
		.to_name = to_name,
		.from = GRIP_NONE,
		.to = GRIP_NONE,
		.moved.fd = -1,
		.replaced.fd = -1,
		.exchange = flags & RENAME_EXCHANGE,
		.whiteout = flags & RENAME_WHITEOUT,
	};
	int rc;

	if (flags & ~(unsigned)(RENAME_EXCHANGE | RENAME_NOREPLACE | RENAME_WHITEOUT) ||
		(m.exchange && m.whiteout))
		return -EINVAL;
	/* The device is made here: not each filesystem below can. */
	flags &= ~(unsigned)RENAME_WHITEOUT;
	if (strlen(to_name) > DB_NAME_MAX)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&l->lock);
	rc = prepare(l, &m);
	if (rc == 0 && m.whiteout)
		rc = prepare_whiteout(l, &m, flags);
	/* Two names of one file stay as they are: rename(2). */
	if (rc == 0 && (flags || !same_file(&m.moved, &m.replaced)))
		rc = rename_both(l, &m, flags);
	pthread_mutex_unlock(&l->lock);
	grip_release(&m.from);
	grip_release(&m.to);
	victim_free(&m.moved);
	victim_free(&m.replaced);
	birth_free(&m.left);
	return rc;
}
