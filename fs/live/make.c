/* SPDX-License-Identifier: MIT */
/* New inodes, and new names for those that are there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/acl.h"
#include "fs/engine.h"
#include "fs/live/node.h"
#include "fs/show.h"
#include "fs/xattr.h"

void birth_free(struct birth *b)
{
	buf_free(&b->access);
	buf_free(&b->inherited);
}

/*
 * What the directory's default ACL makes of the mode (posix_acl_create() of the kernel);
 * without one, the umask.
 */
static int inherit_acl(struct live *l, struct live_node *dir, const struct grip *g,
	uint32_t umask, struct birth *b)
{
	cleanup_buf struct buf acl = {0};
	uint32_t both;
	int rc = attr_get(l, dir, g, XATTR_ACL_DEFAULT, false, &acl);

	if (rc == -ENODATA || (rc == 0 && !acl_valid(acl.data, acl.len))) {
		b->r.mode &= ~umask;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (S_ISDIR(b->r.type) && buf_add(&b->inherited, acl.data, acl.len) < 0)
		return -ENOMEM;
	both = b->r.mode & acl_mode(acl.data, acl.len) & 0777;
	b->r.mode = (b->r.mode & 07000) | both;
	acl_set_mode(acl.data, acl.len, both);
	if (!acl_is_mode(acl.len) && buf_add(&b->access, acl.data, acl.len) < 0)
		return -ENOMEM;
	return 0;
}

static int find_label(
	struct live *l, struct live_node *dir, const char *name, struct birth *b)
{
	cleanup_free char *path = NULL;
	cleanup_buf struct buf full = {0};
	struct labeler_result res;
	struct err e;
	int rc;

	if (!l->opt.labeler || !name)
		return 0;
	rc = node_path(l, dir, &path);
	if (rc < 0)
		return rc;
	if (buf_addf(&full, "/%s%s%s", path, *path ? "/" : "", name) < 0)
		return -ENOMEM;
	if (labeler_lookup(l->opt.labeler, full.data, b->r.type, &res, &e) < 0)
		return db_errno(l, &e);
	if (res.answer == LABELER_LABEL)
		b->label = res.rule->context;
	else if (res.answer == LABELER_EXCLUDED)
		b->label = LABEL_EXCLUDED;
	return 0;
}

int birth_conceive(struct live *l, struct live_node *dir, const struct grip *g,
	const char *name, const struct live_new *what, struct birth *b)
{
	struct stat above;
	int rc = node_stat(l, dir, &g->st, &above);

	b->r = db_record_new(what->mode);
	b->r.mode = what->mode & 07777;
	b->r.uid = l->opt.uid;
	b->r.gid = l->opt.gid;
	if (S_ISCHR(b->r.type) || S_ISBLK(b->r.type))
		b->r.rdev = what->rdev;
	if (rc == 0 && above.st_mode & S_ISGID) {
		b->r.gid = above.st_gid;
		if (S_ISDIR(b->r.type))
			b->r.mode |= S_ISGID;
	}
	if (rc == 0 && S_ISLNK(b->r.type))
		b->r.mode = DB_SILENT;
	else if (rc == 0)
		rc = inherit_acl(l, dir, g, what->umask, b);
	return rc == 0 ? find_label(l, dir, name, b) : rc;
}

/* A regular file is opened at once: it is to be written, mostly. */
static int make_inode(int dirfd, const char *name, const struct live_new *what, int *fd)
{
	mode_t type = what->mode & S_IFMT;
	mode_t perm = show_staging_mode(what->mode);
	int rc;

	switch (type) {
	case S_IFDIR:
		rc = mkdirat(dirfd, name, 0755);
		break;
	case S_IFLNK:
		rc = symlinkat(what->target, dirfd, name);
		break;
	case S_IFIFO:
	case S_IFSOCK:
		rc = mknodat(dirfd, name, type | 0644, 0);
		break;
	case S_IFCHR:
	case S_IFBLK:
		rc = mknodat(dirfd, name, S_IFREG | 0644, 0);
		break;
	case S_IFREG:
		rc = *fd = openat(dirfd, name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
			perm);
		break;
	default:
		return -EINVAL;
	}
	return rc < 0 ? -errno : 0;
}

int birth_put(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct birth *b, struct err *e)
{
	struct db_record *r = &b->r;
	int rc = 0;

	r->hint.dev = stage_dev(st);
	r->hint.ino = st->stx_ino;
	r->hint.btime = stage_btime(st);
	if (b->label) {
		r->label = db_label_intern(l->db, b->label, strlen(b->label), e);
		rc = r->label < 0 ? -1 : 0;
	}
	if (rc == 0)
		rc = db_record_put(l->db, r, e);
	if (rc == 0 && b->access.len)
		rc = db_xattr_put(
			l->db, r->id, XATTR_ACL_ACCESS, b->access.data, b->access.len, e);
	if (rc == 0 && b->inherited.len)
		rc = db_xattr_put(l->db, r->id, XATTR_ACL_DEFAULT, b->inherited.data,
			b->inherited.len, e);
	if (rc == 0 && name)
		rc = db_name_put(l->db, dir->r.id, name, strlen(name), r->id, e);
	r->has_xattrs = b->access.len || b->inherited.len;
	r->names = name ? 1 : 0;
	return rc;
}

int birth_store(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct birth *b)
{
	struct err e;
	int rc = change_begin(l);

	if (rc < 0)
		return rc;
	rc = birth_put(l, dir, name, st, b, &e);
	return change_end(l, rc < 0 ? db_errno(l, &e) : 0);
}

/* In the staging tree and in the database; the file goes again where that fails. */
static int bear(struct live *l, struct live_node *dir, struct grip *g, const char *name,
	const struct live_new *what, struct birth *b, struct statx *st, int *fd)
{
	struct intent_text t = {
		.kind = INTENT_MAKE,
		.to = {dir->r.id, name},
		.record = &b->r,
		.label = b->label,
	};
	int rc;

	rc = change_room(l);
	if (rc < 0)
		return rc;
	intent_set(l->intent, &t);
	rc = make_inode(g->fd, name, what, fd);
	if (rc == -EACCES && grip_writable(l, dir, g) == 0)
		rc = make_inode(g->fd, name, what, fd);
	if (rc == 0) {
		rc = *fd >= 0 ? live_statx(*fd, "", st) : live_statx(g->fd, name, st);
		if (rc == 0)
			rc = birth_store(l, dir, name, st, b);
		if (rc < 0)
			unlinkat(g->fd, name, S_ISDIR(what->mode) ? AT_REMOVEDIR : 0);
	}
	intent_clear(l->intent);
	return rc;
}

int live_make(struct live *l, struct live_node *dir, const char *name,
	const struct live_new *what, struct live_entry *out)
{
	cleanup_grip struct grip g = GRIP_NONE;
	cleanup_close int fd = -1;
	struct birth b = {0};
	struct live_node *n;
	struct statx st;
	int rc;

	if (strlen(name) > DB_NAME_MAX)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&l->lock);
	rc = change_ready(l, dir);
	if (rc == 0)
		rc = grip_dir(l, dir, &g);
	if (rc == 0)
		rc = node_adopt(l, dir, &g.st);
	if (rc == 0)
		rc = birth_conceive(l, dir, &g, name, what, &b);
	if (rc == 0)
		rc = bear(l, dir, &g, name, what, &b, &st, &fd);
	if (rc == 0) {
		n = node_get(l, dir, name, &st, &b.r);
		if (n)
			n->plain = clock_ms();
		if (n && fd >= 0)
			files_keep(l, n, take_fd(&fd));
		rc = n ? give(l, n, &st, out) : -ENOMEM;
	}
	pthread_mutex_unlock(&l->lock);
	birth_free(&b);
	return rc;
}

/* A first name gives a label, as a new file has it. */
static int find_first_label(struct live *l, struct live_node *n, struct live_node *dir,
	const char *name, const char **label)
{
	struct birth b = {.r = n->r};
	int rc = n->orphan && !n->r.label ? find_label(l, dir, name, &b) : 0;

	*label = b.label;
	return rc;
}

static int record_link(struct live *l, struct live_node *n, struct live_node *dir,
	const char *name, const char *label)
{
	struct db_record r = n->r;
	struct err e;
	int rc = change_begin(l);

	if (rc < 0)
		return rc;
	if (label) {
		r.label = db_label_intern(l->db, label, strlen(label), &e);
		rc = r.label < 0 ? -1 : db_record_put(l->db, &r, &e);
	}
	if (rc == 0)
		rc = db_name_put(l->db, dir->r.id, name, strlen(name), r.id, &e);
	rc = change_end(l, rc < 0 ? db_errno(l, &e) : 0);
	if (rc == 0)
		n->r.label = r.label;
	return rc;
}

static int link_names(struct live *l, struct live_node *n, const struct grip *from,
	struct live_node *dir, const struct grip *to, const char *name)
{
	struct intent_text t = {
		.kind = INTENT_LINK,
		.to = {dir->r.id, name},
		.ino = n->ino,
		.record = &n->r,
	};
	char path[GRIP_PATH];
	int rc = change_room(l);

	if (rc == 0)
		rc = find_first_label(l, n, dir, name, &t.label);
	if (rc < 0)
		return rc;
	intent_set(l->intent, &t);
	if (linkat(AT_FDCWD, grip_path(from, path), to->fd, name, AT_SYMLINK_FOLLOW) < 0)
		rc = -errno;
	if (rc == 0) {
		rc = record_link(l, n, dir, name, t.label);
		if (rc < 0)
			unlinkat(to->fd, name, 0);
	}
	intent_clear(l->intent);
	return rc;
}

int live_link(struct live *l, struct live_node *n, struct live_node *dir,
	const char *name, struct live_entry *out)
{
	cleanup_grip struct grip from = GRIP_NONE, to = GRIP_NONE;
	int rc;

	if (strlen(name) > DB_NAME_MAX)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&l->lock);
	rc = change_ready(l, n);
	if (rc == 0)
		rc = grip_node(l, n, &from);
	/* Whether it may have a name again, the host's kernel knows. */
	if (rc == 0 && from.st.stx_nlink == 0 &&
		(!n->orphan || S_ISDIR(from.st.stx_mode)))
		rc = -ENOENT;
	if (rc == 0)
		rc = grip_dir(l, dir, &to);
	if (rc == 0)
		rc = node_adopt(l, n, &from.st);
	if (rc == 0)
		rc = node_adopt(l, dir, &to.st);
	if (rc == 0)
		rc = link_names(l, n, &from, dir, &to, name);
	if (rc == 0) {
		n->r.names++;
		n->orphan = false;
		rc = live_statx(from.fd, "", &from.st);
	}
	if (rc == 0)
		rc = node_set_path(l, n, dir, name);
	if (rc == 0)
		rc = give(l, n, &from.st, out);
	pthread_mutex_unlock(&l->lock);
	return rc;
}
