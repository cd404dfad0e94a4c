/* SPDX-License-Identifier: MIT */
/* Owner, mode, size and times. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/acl.h"
#include "fs/live/node.h"
#include "fs/show.h"
#include "fs/xattr.h"

/* chown(2) with nobody named changes nothing but the time, of any type of file. */
int node_touch(const struct grip *g)
{
	return fchownat(g->fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/*
 * A staging file that its owner cannot write: what the view shows is recorded, and then
 * it can. -EACCES where that was not the reason.
 */
int grip_writable(struct live *l, struct live_node *n, struct grip *g)
{
	uint32_t want = S_ISDIR(g->st.stx_mode) ? 0700 : 0600;
	struct db_record r;
	char path[GRIP_PATH];
	int rc;

	/* What is borrowed is so only as long as the lock is held. */
	if (l->lent) {
		rc = change_ready(l, n);
		grip_release(g);
		if (rc == 0)
			rc = grip_node(l, n, g);
		if (rc < 0)
			return rc;
	}
	/* It is what is above that could not be passed. */
	if (g->fd < 0)
		return -EACCES;
	if ((g->st.stx_mode & want) == want || S_ISLNK(g->st.stx_mode))
		return -EACCES;
	rc = node_adopt(l, n, &g->st);
	if (rc == 0 && n->r.mode == DB_SILENT) {
		r = n->r;
		r.mode = g->st.stx_mode & 07777;
		rc = change_begin(l);
		if (rc == 0)
			rc = change_end(l, node_put(l, &r));
		if (rc == 0)
			n->r = r;
	}
	if (rc == 0 && chmod(grip_path(g, path), (g->st.stx_mode & 07777) | want) < 0)
		rc = -errno;
	return rc == 0 ? live_statx(g->fd, "", &g->st) : rc;
}

int keep_bits(struct live *l, struct live_node *n, const struct grip *g)
{
	struct db_record r;
	int rc;

	if (!S_ISREG(g->st.stx_mode) || !(g->st.stx_mode & 06000) ||
		(n->r.id && n->r.mode != DB_SILENT))
		return 0;
	rc = node_adopt(l, n, &g->st);
	if (rc < 0 || n->r.mode != DB_SILENT)
		return rc;
	r = n->r;
	r.mode = g->st.stx_mode & 07777;
	rc = change_begin(l);
	if (rc == 0)
		rc = change_end(l, node_put(l, &r));
	if (rc == 0)
		n->r = r;
	return rc;
}

/* The mask of an access ACL is the mode's group: one changes with the other. */
static int keep_acl(
	struct live *l, struct live_node *n, const struct grip *g, uint32_t mode)
{
	struct buf acl = {0};
	struct err e;
	int rc = attr_get(l, n, g, XATTR_ACL_ACCESS, false, &acl);

	if (rc == 0) {
		acl_set_mode(acl.data, acl.len, mode);
		if (db_xattr_put(
			    l->db, n->r.id, XATTR_ACL_ACCESS, acl.data, acl.len, &e) < 0)
			rc = db_errno(l, &e);
	}
	buf_free(&acl);
	return rc == -ENODATA ? 0 : rc;
}

/* As for root (chown_common() of the kernel): a new owner's file runs as nobody else. */
static void kill_setid(struct db_record *r, const struct live_node *n, uint32_t mode)
{
	uint32_t left = mode & ~(uint32_t)S_ISUID;

	if (S_ISDIR(n->type) || S_ISLNK(n->type))
		return;
	if (mode & S_IXGRP)
		left &= ~(uint32_t)S_ISGID;
	if (left != mode)
		r->mode = left;
}

/* The staging file's own mode only says whether it may run; its change time is ours. */
static int follow_mode(
	const struct live_node *n, const struct grip *g, uint32_t mode, int what)
{
	char path[GRIP_PATH];

	if (!(what & LIVE_MODE) || !S_ISREG(n->type) ||
		(g->st.stx_mode & 07777) == show_staging_mode(mode))
		return node_touch(g);
	if (chmod(grip_path(g, path), show_staging_mode(mode)) < 0)
		return -errno;
	return 0;
}

static void return_mode(const struct live_node *n, const struct grip *g, int what)
{
	char path[GRIP_PATH];

	if (what & LIVE_MODE && S_ISREG(n->type))
		chmod(grip_path(g, path), g->st.stx_mode & 07777);
}

static int store_change(struct live *l, struct live_node *n, const struct grip *g,
	const struct db_record *r, int what)
{
	int rc = change_begin(l);

	if (rc < 0)
		return rc;
	if (r->mode != n->r.mode)
		rc = keep_acl(l, n, g, r->mode);
	if (rc == 0 && what & (LIVE_UID | LIVE_GID) && !S_ISDIR(n->type))
		rc = drop_capability(l, n, NULL);
	if (rc == 0)
		rc = node_put(l, r);
	rc = change_end(l, rc);
	if (rc == 0)
		n->r = *r;
	return rc;
}

/* First what may be refused, and can be taken back. */
static int change_record(struct live *l, struct live_node *n, const struct grip *g,
	const struct stat *st, int what)
{
	struct db_record r;
	int rc = node_adopt(l, n, &g->st);

	if (rc == 0)
		rc = keep_bits(l, n, g);
	if (rc < 0)
		return rc;
	r = n->r;
	if (what & LIVE_MODE)
		r.mode = st->st_mode & 07777;
	else
		kill_setid(&r, n, node_mode(n, &g->st));
	if (what & LIVE_UID)
		r.uid = st->st_uid;
	if (what & LIVE_GID)
		r.gid = st->st_gid;
	rc = follow_mode(n, g, r.mode, what);
	/* tar gives root's files to root. */
	if (rc < 0 || (r.mode == n->r.mode && r.uid == n->r.uid && r.gid == n->r.gid &&
			      !r.has_xattrs))
		return rc;
	rc = store_change(l, n, g, &r, what);
	if (rc < 0)
		return_mode(n, g, what);
	return rc;
}

static struct timespec wanted_time(const struct timespec *t, int what, int given, int now)
{
	if (what & now)
		return (struct timespec){0, UTIME_NOW};
	return what & given ? *t : (struct timespec){0, UTIME_OMIT};
}

static int change_times(const struct grip *g, const struct stat *st, int what)
{
	struct timespec times[2] = {
		wanted_time(&st->st_atim, what, LIVE_ATIME, LIVE_ATIME_NOW),
		wanted_time(&st->st_mtim, what, LIVE_MTIME, LIVE_MTIME_NOW),
	};

	return utimensat(g->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int change(struct live *l, struct live_node *n, struct grip *g,
	const struct stat *st, int what)
{
	int rc = change_ready(l, n);

	if (rc == 0)
		rc = grip_node(l, n, g);
	if (rc == 0 && what & LIVE_MODE && S_ISLNK(n->type))
		rc = -EOPNOTSUPP;
	if (rc == 0 && what & LIVE_SIZE)
		rc = file_truncate(l, n, st->st_size);
	if (rc == 0 && what & (LIVE_MODE | LIVE_UID | LIVE_GID))
		rc = change_record(l, n, g, st, what);
	if (rc == 0 && what & (LIVE_ATIME | LIVE_MTIME | LIVE_ATIME_NOW | LIVE_MTIME_NOW))
		rc = change_times(g, st, what);
	/* chown(2) that names nobody. */
	if (rc == 0 && !what)
		rc = keep_bits(l, n, g);
	if (rc == 0 && !what)
		rc = node_touch(g);
	return rc;
}

int live_setattr(struct live *l, struct live_node *n, const struct stat *st, int what,
	struct stat *out)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = change(l, n, &g, st, what);
	if (rc == 0)
		rc = live_statx(g.fd, "", &g.st);
	if (rc == 0)
		rc = node_stat(l, n, &g.st, out);
	node_given(n);
	pthread_mutex_unlock(&l->lock);
	return rc;
}
