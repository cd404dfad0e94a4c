/* SPDX-License-Identifier: MIT */
/* Names to nodes, and nodes to what they show. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/clock.h"
#include "fs/engine.h"
#include "fs/live/node.h"
#include "fs/show.h"

uint64_t shown_ino(int64_t record, bool split, uint64_t ino)
{
	return record && !split ? (uint64_t)record : NODE_UNRECORDED | ino;
}

int child_record(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct db_record *r)
{
	struct err e;
	int rc = 0;

	*r = (struct db_record){0};
	if (dir->r.id)
		rc = db_name_get(l->db, dir->r.id, name, strlen(name), r, &e);
	if (rc < 0)
		return db_errno(l, &e);
	if (rc == 0 || !engine_type_holds(r->type, st->stx_mode, st->stx_size))
		*r = (struct db_record){0};
	return 0;
}

int child_node(struct live *l, struct live_node *dir, const struct grip *g,
	const char *name, struct statx *st, struct live_node **out)
{
	struct db_record r;
	int rc = node_sync(l, dir);

	if (rc == 0)
		rc = live_statx(g->fd, name, st);
	if (rc == 0 && st->stx_attributes & STATX_ATTR_MOUNT_ROOT)
		rc = -EXDEV;
	if (rc == 0)
		rc = child_record(l, dir, name, st, &r);
	if (rc < 0)
		return rc;
	*out = node_get(l, dir, name, st, &r);
	return *out ? 0 : -errno;
}

/* After somebody else wrote: records may have come, gone, or be others. */
int node_sync(struct live *l, struct live_node *n)
{
	struct db_record r = {0};
	struct err e;
	int rc = 0;

	if (n->generation == l->generation && !n->twin)
		return 0;
	if (n->parent)
		rc = node_sync(l, n->parent);
	if (rc < 0)
		return rc;
	if (n->parent && n->parent->r.id)
		rc = db_name_get(
			l->db, n->parent->r.id, n->name, strlen(n->name), &r, &e);
	else if (!n->parent && n->r.id)
		rc = db_record_get(l->db, n->r.id, &r, &e);
	if (rc < 0)
		return db_errno(l, &e);
	/* A record without a name is known by its file: its number may be another's. */
	if (rc == 1 && n->orphan &&
		(r.hint.ino != n->ino || r.hint.btime != n->btime || r.names))
		rc = 0;
	/* What its file is now is held against the type by whoever looks at it. */
	n->r = rc == 1 ? r : (struct db_record){0};
	n->orphan = n->orphan && rc == 1;
	n->generation = l->generation;
	node_twins(l, n);
	return 0;
}

uint32_t node_mode(const struct live_node *n, const struct statx *st)
{
	return n->r.id && n->r.mode != DB_SILENT ? n->r.mode : st->stx_mode & 07777;
}

/* Links of the staging file may be in other trees too, and recorded names may be gone. */
static int count_links(
	struct live *l, const struct live_node *n, const struct statx *st, nlink_t *out)
{
	int64_t names;
	struct err e;

	*out = n->split ? 1 : st->stx_nlink;
	if (!n->r.id || n->split || S_ISDIR(st->stx_mode) || st->stx_nlink < 2)
		return 0;
	names = db_name_count(l->db, n->r.id, &e);
	if (names < 0)
		return db_errno(l, &e);
	if (names && names < st->stx_nlink)
		*out = (nlink_t)names;
	return 0;
}

static struct timespec time_of(const struct statx_timestamp *t)
{
	return (struct timespec){t->tv_sec, t->tv_nsec};
}

int node_stat(
	struct live *l, struct live_node *n, const struct statx *st, struct stat *out)
{
	const struct db_record *r = &n->r;
	bool ours = st->stx_uid == l->owner;
	int rc = node_sync(l, n);

	if (rc < 0)
		return rc;
	if (r->id && !engine_type_holds(r->type, st->stx_mode, st->stx_size))
		n->r = (struct db_record){0};
	n->type = r->id ? r->type : st->stx_mode & S_IFMT;
	*out = (struct stat){
		.st_ino = n->shown,
		.st_mode = n->type | (S_ISLNK(n->type) ? 0777 : node_mode(n, st)),
		.st_uid = r->id && r->uid != DB_SILENT ? r->uid
			  : ours                       ? l->opt.uid
						       : st->stx_uid,
		.st_gid = r->id && r->gid != DB_SILENT ? r->gid
			  : ours                       ? l->opt.gid
						       : st->stx_gid,
		.st_size = S_ISDIR(n->type) ? SHOW_DIR_SIZE : (off_t)st->stx_size,
		.st_blksize = SHOW_BLOCK_SIZE,
		.st_blocks = S_ISDIR(n->type) ? 0 : (blkcnt_t)st->stx_blocks,
		.st_atim = time_of(&st->stx_atime),
		.st_mtim = time_of(&st->stx_mtime),
		.st_ctim = time_of(&st->stx_ctime),
	};
	if (S_ISCHR(n->type) || S_ISBLK(n->type))
		out->st_rdev =
			r->id ? r->rdev : makedev(st->stx_rdev_major, st->stx_rdev_minor);
	return count_links(l, n, st, &out->st_nlink);
}

void node_given(struct live_node *n)
{
	n->given = clock_ms();
}

int give(struct live *l, struct live_node *n, const struct statx *st,
	struct live_entry *out)
{
	int rc = node_stat(l, n, st, &out->st);

	out->node = n;
	if (rc < 0) {
		node_release(l, n);
		return rc;
	}
	n->lookups++;
	node_given(n);
	return 0;
}

int live_lookup(
	struct live *l, struct live_node *dir, const char *name, struct live_entry *out)
{
	cleanup_grip struct grip g = GRIP_NONE;
	struct live_node *n;
	struct statx st;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = grip_dir(l, dir, &g);
	if (rc == 0)
		rc = child_node(l, dir, &g, name, &st, &n);
	/* One that its owner may not search, in the staging tree. */
	if (rc == -EACCES && grip_writable(l, dir, &g) == 0)
		rc = child_node(l, dir, &g, name, &st, &n);
	if (rc == 0)
		rc = give(l, n, &st, out);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void live_forget(struct live *l, struct live_node *n, uint64_t count)
{
	pthread_mutex_lock(&l->lock);
	n->lookups -= count < n->lookups ? count : n->lookups;
	node_release(l, n);
	pthread_mutex_unlock(&l->lock);
}

/* The first name of a path; *path is what follows it and its '/'. */
static int take_name(const char **path, char name[DB_NAME_MAX + 1])
{
	size_t len = strcspn(*path, "/");
	const char *rest = *path + len;

	if (len > DB_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, *path, len);
	name[len] = '\0';
	if (!len || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (*rest == '/' && !*++rest)
		return -EINVAL;
	*path = rest;
	return 0;
}

int live_find(struct live *l, const char *path, struct live_entry *out)
{
	char name[DB_NAME_MAX + 1];
	int rc;

	/* Nothing becomes of the root when it is forgotten once more. */
	out->node = live_root(l);
	rc = live_stat(l, out->node, &out->st);
	while (rc == 0 && *path) {
		struct live_node *dir = out->node;

		rc = take_name(&path, name);
		if (rc == 0)
			rc = live_lookup(l, dir, name, out);
		live_forget(l, dir, 1);
	}
	return rc;
}

int live_stat(struct live *l, struct live_node *n, struct stat *st)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = grip_node(l, n, &g);
	if (rc == 0)
		rc = node_stat(l, n, &g.st, st);
	node_given(n);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_access(struct live *l, struct live_node *n, int mask)
{
	struct stat st;
	int rc = mask & X_OK ? live_stat(l, n, &st) : 0;

	if (rc == 0 && mask & X_OK && !S_ISDIR(st.st_mode) && !(st.st_mode & 0111))
		return -EACCES;
	return rc;
}

int live_readlink(struct live *l, struct live_node *n, char *buf, size_t size)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = grip_node(l, n, &g);
	pthread_mutex_unlock(&l->lock);
	if (rc < 0)
		return rc;
	rc = (int)readlinkat(g.fd, "", buf, size - 1);
	if (rc < 0)
		return -errno;
	buf[rc] = '\0';
	return rc;
}

int live_path(struct live *l, struct live_node *n, struct buf *path)
{
	char *text;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = node_where(l, n, &text);
	pthread_mutex_unlock(&l->lock);
	if (rc == 0 && buf_add(path, text, strlen(text) + 1) < 0)
		rc = -ENOMEM;
	free(text);
	return rc;
}

int live_statvfs(struct live *l, struct statvfs *sv)
{
	return fstatvfs(stage_root(l->stage), sv) < 0 ? -errno : 0;
}
