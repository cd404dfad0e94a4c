/* SPDX-License-Identifier: MIT */
/* What a view that was killed left behind, settled: the database follows the tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/acl.h"
#include "fs/engine.h"
#include "fs/live/intent_slot.h"
#include "fs/xattr.h"

struct settling {
	struct stage *stage;
	struct db *db;
	const struct intent_slot *s;
	struct err *e;
};

/* What is at a name in the staging tree: 1, 0 nothing (or no such directory), -1. */
static int look(
	const struct settling *x, int64_t parent, const char *name, struct statx *st)
{
	cleanup_free char *path = NULL;
	cleanup_close int dir = -1;
	int rc = db_record_path(x->db, parent, &path, x->e);

	if (rc <= 0)
		return rc;
	dir = stage_openat(x->stage, path, O_PATH | O_DIRECTORY, x->e);
	if (dir < 0)
		return x->e->sys == ENOENT || x->e->sys == ENOTDIR || x->e->sys == ELOOP
			       ? 0
			       : -1;
	if (statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		    STATX_BASIC_STATS | STATX_BTIME, st) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(x->e, name, "cannot examine");
}

static int recorded(
	const struct settling *x, int64_t parent, const char *name, struct db_record *r)
{
	*r = (struct db_record){0};
	return db_name_get(x->db, parent, name, strlen(name), r, x->e);
}

static int put(const struct settling *x, int64_t parent, const char *name, int64_t id)
{
	return db_name_put(x->db, parent, name, strlen(name), id, x->e);
}

/* The ACLs that a new file has from its directory; its mode has them in it already. */
static int inherit(const struct settling *x, const struct db_record *r)
{
	cleanup_free void *acl = NULL;
	size_t len;
	int rc =
		db_xattr_get(x->db, x->s->to_parent, XATTR_ACL_DEFAULT, &acl, &len, x->e);

	if (rc <= 0 || S_ISLNK(r->type) || !acl_valid(acl, len))
		return rc < 0 ? -1 : 0;
	if (S_ISDIR(r->type) &&
		db_xattr_put(x->db, r->id, XATTR_ACL_DEFAULT, acl, len, x->e) < 0)
		return -1;
	acl_set_mode(acl, len, r->mode);
	return acl_is_mode(len)
		       ? 0
		       : db_xattr_put(x->db, r->id, XATTR_ACL_ACCESS, acl, len, x->e);
}

/* The record is that of the file, and not of one that had its number before. */
static bool is_of(const struct db_record *r, const struct statx *st)
{
	return r->hint.ino == st->stx_ino && r->hint.btime == stage_btime(st);
}

static int settle_make(const struct settling *x)
{
	const struct intent_slot *s = x->s;
	struct db_record old, r = s->record;
	struct statx st;
	int rc = look(x, s->to_parent, s->to, &st);

	if (rc <= 0 || !engine_type_holds(r.type, st.stx_mode, st.stx_size))
		return rc < 0 ? -1 : 0;
	/* Somebody else had made it before. */
	if (stage_btime(&st) && stage_btime(&st) < s->since)
		return 0;
	rc = recorded(x, s->to_parent, s->to, &old);
	/* Stored already; but a record of a file that went earlier is another one. */
	if (rc < 0 || (rc == 1 && is_of(&old, &st)))
		return rc < 0 ? -1 : 0;
	r.id = r.label = 0;
	r.hint = (struct db_hint){stage_dev(&st), st.stx_ino, stage_btime(&st)};
	if (*s->label) {
		r.label = db_label_intern(x->db, s->label, strlen(s->label), x->e);
		if (r.label < 0)
			return -1;
	}
	if (db_record_put(x->db, &r, x->e) < 0 || inherit(x, &r) < 0)
		return -1;
	return put(x, s->to_parent, s->to, r.id);
}

static int settle_link(const struct settling *x)
{
	const struct intent_slot *s = x->s;
	struct db_record r;
	struct statx st;
	int rc = look(x, s->to_parent, s->to, &st);

	if (rc == 1)
		rc = db_record_get(x->db, s->record.id, &r, x->e);
	if (rc != 1 || !engine_type_holds(r.type, st.stx_mode, st.stx_size) ||
		s->ino != st.stx_ino || S_ISDIR(r.type))
		return rc < 0 ? -1 : 0;
	/* The first name of a file that had none. */
	if (*s->label && !r.label) {
		r.label = db_label_intern(x->db, s->label, strlen(s->label), x->e);
		if (r.label < 0 || db_record_put(x->db, &r, x->e) < 0)
			return -1;
	}
	return put(x, s->to_parent, s->to, r.id);
}

static int settle_remove(const struct settling *x)
{
	const struct intent_slot *s = x->s;
	struct statx st;
	int rc = look(x, s->from_parent, s->from, &st);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return db_name_drop(x->db, s->from_parent, s->from, strlen(s->from), x->e);
}

/* A directory cannot move into itself, whatever the note says: 1, 0, or -1. */
static int is_below(const struct settling *x, int64_t dir, int64_t record)
{
	cleanup_free char *inner = NULL, *outer = NULL;
	int rc = record ? db_record_path(x->db, dir, &inner, x->e) : 0;
	size_t len;

	if (rc == 1)
		rc = db_record_path(x->db, record, &outer, x->e);
	if (rc != 1)
		return rc;
	len = strlen(outer);
	return strncmp(inner, outer, len) == 0 && (!inner[len] || inner[len] == '/');
}

static int settle_rename(const struct settling *x)
{
	const struct intent_slot *s = x->s;
	struct db_record r, old;
	struct statx st;
	int64_t orphan;
	int rc = look(x, s->to_parent, s->to, &st);

	if (rc <= 0 || st.stx_ino != s->ino)
		return rc < 0 ? -1 : 0;
	/* The staging file is where it was to go. */
	if (recorded(x, s->from_parent, s->from, &r) < 0)
		return -1;
	rc = recorded(x, s->to_parent, s->to, &old);
	if (rc < 0)
		return -1;
	if (!s->record.id) /* it had no record: it must not have that of another */
		return rc == 1 && old.hint.ino != s->ino
			       ? db_name_drop(
					 x->db, s->to_parent, s->to, strlen(s->to), x->e)
			       : 0;
	if (r.id != s->record.id || old.id == r.id)
		return 0;
	rc = is_below(x, s->to_parent, r.id);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (db_name_unlink(x->db, s->to_parent, s->to, strlen(s->to), &orphan, x->e) < 0)
		return -1;
	return db_name_move(x->db, s->from_parent, s->from, strlen(s->from), s->to_parent,
		s->to, strlen(s->to), x->e);
}

/* What lies ready is none that somebody else has: it was made since, and is empty. */
static int take_ready(const struct settling *x, bool moved)
{
	const struct intent_slot *s = x->s;
	cleanup_free char *path = NULL;
	cleanup_close int dir = -1;
	struct statx st;
	int rc = look(x, s->from_parent, INTENT_READY, &st);

	if (rc <= 0 || !S_ISREG(st.stx_mode) || st.stx_size ||
		(stage_btime(&st) && stage_btime(&st) < s->since))
		return rc < 0 ? -1 : 0;
	if (db_record_path(x->db, s->from_parent, &path, x->e) < 0)
		return -1;
	dir = stage_openat(x->stage, path, O_PATH | O_DIRECTORY, x->e);
	if (dir < 0)
		return -1;
	if (moved && renameat2(dir, INTENT_READY, dir, s->from, RENAME_NOREPLACE) == 0)
		return 0;
	if (moved && errno != EEXIST)
		return err_sys(x->e, s->from, "cannot put a whiteout there");
	return unlinkat(dir, INTENT_READY, 0) < 0
		       ? err_sys(x->e, INTENT_READY, "cannot remove")
		       : 0;
}

/* A rename, then a device in its place. */
static int settle_whiteout(const struct settling *x)
{
	cleanup_free struct intent_slot *made = NULL;
	struct settling in_place = *x;
	struct statx st;
	int rc = look(x, x->s->to_parent, x->s->to, &st);
	bool moved = rc == 1 && st.stx_ino == x->s->ino;

	if (rc < 0 || take_ready(x, moved) < 0)
		return -1;
	if (!moved)
		return 0;
	made = malloc(sizeof(*made));
	if (!made)
		return err_set(x->e, ERR_SYS, "out of memory");
	*made = *x->s;
	made->to_parent = made->from_parent;
	memcpy(made->to, made->from, sizeof(made->to));
	in_place.s = made;
	return settle_rename(x) < 0 ? -1 : settle_make(&in_place);
}

static int settle_exchange(const struct settling *x)
{
	const struct intent_slot *s = x->s;
	struct db_record r, other;
	struct statx st;
	int64_t orphan;
	int rc = look(x, s->to_parent, s->to, &st);

	if (rc <= 0 || st.stx_ino != s->ino)
		return rc < 0 ? -1 : 0;
	if (recorded(x, s->from_parent, s->from, &r) < 0 ||
		recorded(x, s->to_parent, s->to, &other) < 0)
		return -1;
	if (r.id != s->record.id || r.id == other.id)
		return 0;
	rc = is_below(x, s->to_parent, r.id);
	if (rc == 0)
		rc = is_below(x, s->from_parent, other.id);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (db_name_unlink(x->db, s->to_parent, s->to, strlen(s->to), &orphan, x->e) <
			0 ||
		db_name_unlink(x->db, s->from_parent, s->from, strlen(s->from), &orphan,
			x->e) < 0)
		return -1;
	if (r.id && put(x, s->to_parent, s->to, r.id) < 0)
		return -1;
	return other.id ? put(x, s->from_parent, s->from, other.id) : 0;
}

/* A directory's record, as far as the database says: 1, 0, or -1. */
static int is_parent(const struct settling *x, int64_t record, const char *name)
{
	struct db_record r;
	int rc = *name ? db_record_get(x->db, record, &r, x->e) : 1;

	return rc == 1 && *name ? S_ISDIR(r.type) : rc;
}

static int settle(const struct settling *x)
{
	uint32_t kind = x->s->kind;
	int rc = 1;

	if (kind == INTENT_NONE)
		return 0;
	/* What has no record may come from a directory that has none. */
	if (kind != INTENT_RENAME || x->s->from_parent || x->s->record.id)
		rc = is_parent(x, x->s->from_parent, x->s->from);
	if (rc == 1)
		rc = is_parent(x, x->s->to_parent, x->s->to);
	if (rc != 1)
		return rc < 0 ? -1 : 0;
	switch (kind) {
	case INTENT_MAKE:
		return settle_make(x);
	case INTENT_LINK:
		return settle_link(x);
	case INTENT_REMOVE:
		return settle_remove(x);
	case INTENT_RENAME:
		return settle_rename(x);
	case INTENT_EXCHANGE:
		return settle_exchange(x);
	case INTENT_WHITEOUT:
		return settle_whiteout(x);
	default:
		return 0;
	}
}

static bool name_fine(const char *name)
{
	size_t len = strnlen(name, DB_NAME_MAX + 1);

	return len <= DB_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* What the database would hold against it later. */
static bool record_fine(const struct db_record *r)
{
	bool device = S_ISCHR(r->type) || S_ISBLK(r->type);

	if ((r->mode > 07777 && r->mode != DB_SILENT) || (r->type & ~(uint32_t)S_IFMT))
		return false;
	return device ? major(r->rdev) <= 0xfff && minor(r->rdev) <= 0xfffff
		      : r->rdev == 0;
}

/* Of another livery, or not written to its end by a disk that lost power: says nothing.
 */
static bool slot_fine(const struct intent_slot *s)
{
	if (memcmp(s->magic, INTENT_MAGIC, sizeof(s->magic)) != 0)
		return false;
	if (!name_fine(s->from) || !name_fine(s->to) ||
		strnlen(s->label, DB_LABEL_MAX + 1) > DB_LABEL_MAX)
		return false;
	if ((s->kind == INTENT_MAKE || s->kind == INTENT_WHITEOUT) &&
		!record_fine(&s->record))
		return false;
	if (s->kind != INTENT_REMOVE && !*s->to)
		return false;
	return s->kind == INTENT_MAKE || s->kind == INTENT_LINK || *s->from;
}

/* 1 there is something to settle, 0 the file is not there. */
static int read_slot(const char *path, struct intent_slot *s, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_sys(e, path, "cannot read what was begun");
	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot read what was begun");
	if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && geteuid() != 0))
		return err_set(e, ERR_REFUSED,
			"%s: not what a view of yours left there, so nobody knows what "
			"it "
			"says; remove it",
			path);
	n = read(fd, s, sizeof(*s));
	if (n < 0)
		return err_sys(e, path, "cannot read what was begun");
	if (n != sizeof(*s) || !slot_fine(s))
		s->kind = INTENT_NONE;
	return 1;
}

int slot_settle(
	const struct intent_slot *s, struct stage *stage, struct db *db, struct err *e)
{
	struct settling x = {stage, db, s, e};

	return settle(&x);
}

int intent_settle(struct stage *stage, struct db *db, struct err *e)
{
	cleanup_free char *path = intent_path(db, e);
	cleanup_free struct intent_slot *s = calloc(1, sizeof(*s));
	int rc;

	if (!path || !s)
		return path ? err_set(e, ERR_SYS, "out of memory") : -1;
	rc = read_slot(path, s, e);
	if (rc <= 0)
		return rc;
	if (db_begin(db, e) < 0)
		return -1;
	if (slot_settle(s, stage, db, e) < 0 || db_drop_unnamed(db, e) < 0 ||
		db_commit(db, e) < 0) {
		db_rollback(db);
		return err_wrap(e, "cannot settle what a view that was killed began");
	}
	if (unlink(path) < 0)
		return err_sys(e, path, "cannot remove");
	return 0;
}
