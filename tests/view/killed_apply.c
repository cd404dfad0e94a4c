/* SPDX-License-Identifier: MIT */
/* What each operation does to the model, and the error that it gives. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/view/killed.h"

static int make(struct model *m, const struct op *op)
{
	struct node *dir, *n;
	const char *name;
	mode_t mode;
	int rc = node_at(m, op->a, &dir, &name);

	if (rc != 0)
		return rc;
	if (node_entry(dir, name))
		return EEXIST;
	switch (op->kind) {
	case OP_CREATE:
		mode = S_IFREG | ((mode_t)op->n[0] & ~THE_UMASK);
		break;
	case OP_MKDIR:
		mode = S_IFDIR | ((mode_t)op->n[0] & ~THE_UMASK);
		break;
	case OP_SYMLINK:
		mode = S_IFLNK | 0777;
		break;
	default:
		mode = (mode_t)op->n[0] & ~THE_UMASK;
	}
	n = node_new(m, mode, dir);
	if (op->kind == OP_SYMLINK)
		n->target = need(strdup(op->b));
	node_add(m, dir, name, n);
	if (op->kind == OP_CREATE)
		m->held = n;
	return 0;
}

static int apply_remove(struct model *m, const struct op *op)
{
	struct node *dir;
	const char *name;
	struct entry *e;
	int rc = node_at(m, op->a, &dir, &name);

	if (rc != 0)
		return rc;
	e = node_entry(dir, name);
	if (!e)
		return ENOENT;
	if (op->kind == OP_UNLINK && S_ISDIR(e->node->mode))
		return EISDIR;
	if (op->kind == OP_RMDIR && !S_ISDIR(e->node->mode))
		return ENOTDIR;
	if (op->kind == OP_RMDIR && e->node->count)
		return ENOTEMPTY;
	node_remove(m, dir, name);
	return 0;
}

static int apply_link(struct model *m, const struct op *op)
{
	struct node *n = model_find(m, op->a);
	struct node *dir;
	const char *name;
	int rc = node_at(m, op->b, &dir, &name);

	if (!n)
		return ENOENT;
	if (rc != 0)
		return rc;
	if (node_entry(dir, name))
		return EEXIST;
	node_add(m, dir, name, n);
	return 0;
}

static int may_replace(const struct node *from, const struct node *to)
{
	if (S_ISDIR(to->mode) && !S_ISDIR(from->mode))
		return EISDIR;
	if (!S_ISDIR(to->mode) && S_ISDIR(from->mode))
		return ENOTDIR;
	return to->count ? ENOTEMPTY : 0;
}

static void put(struct model *m, struct node *dir, const char *name, struct node *n)
{
	struct entry *e = node_entry(dir, name);

	e->node = n;
	e->at = m->now;
	dir->mtime_known = false;
}

static int apply_rename(struct model *m, const struct op *op)
{
	struct node *from, *to, *moved;
	const char *old, *name;
	struct entry *a, *b;
	int rc = node_at(m, op->a, &from, &old);

	if (rc == 0)
		rc = node_at(m, op->b, &to, &name);
	if (rc != 0)
		return rc;
	a = node_entry(from, old);
	b = node_entry(to, name);
	if (!a || (!b && op->n[0] == RENAME_EXCHANGE))
		return ENOENT;
	if (b && op->n[0] == RENAME_NOREPLACE)
		return EEXIST;
	if (b && a->node == b->node)
		return 0;
	moved = a->node;
	if (from != to && S_ISDIR(moved->mode))
		moved->mtime_known = false;
	if (op->n[0] == RENAME_EXCHANGE) {
		struct node *other = b->node;

		if (from != to && S_ISDIR(other->mode))
			other->mtime_known = false;
		put(m, from, old, other);
		put(m, to, name, moved);
		return 0;
	}
	rc = b ? may_replace(moved, b->node) : 0;
	if (rc != 0)
		return rc;
	if (b)
		node_remove(m, to, name);
	node_add(m, to, name, moved);
	node_remove(m, from, old);
	if (op->n[0] == RENAME_WHITEOUT)
		node_add(m, from, old, node_new(m, S_IFCHR, from));
	return 0;
}

int apply_names(struct model *m, const struct op *op)
{
	switch (op->kind) {
	case OP_RMDIR:
	case OP_UNLINK:
		return apply_remove(m, op);
	case OP_LINK:
		return apply_link(m, op);
	case OP_RENAME:
		return apply_rename(m, op);
	default:
		return make(m, op);
	}
}

static void resize(struct model *m, struct node *n, size_t size)
{
	n->data = need(realloc(n->data, size + 1));
	if (size > n->size)
		memset(n->data + n->size, 0, size - n->size);
	n->size = size;
	n->at.content = m->now;
	n->mtime_known = false;
}

static void write_at(struct model *m, struct node *n, const struct op *op, size_t at)
{
	size_t end = at + op->n[1];

	resize(m, n, end > n->size ? end : n->size);
	fill(n->data + at, op->n[1], op->n[2]);
}

static int set_xattr(struct model *m, struct node *n, const struct op *op)
{
	struct xattr *x = n->xattrs;

	while (x < n->xattrs + n->xattr_count && strcmp(x->name, op->b) != 0)
		x++;
	n->at.xattrs = m->now;
	if (op->kind == OP_RMXATTR) {
		if (x == n->xattrs + n->xattr_count)
			return ENODATA;
		free(x->name);
		free(x->value);
		*x = n->xattrs[--n->xattr_count];
		return 0;
	}
	if (x == n->xattrs + n->xattr_count) {
		if (n->xattr_count == MAX_XATTRS)
			die("too many attributes: %s", op->a);
		*x = (struct xattr){.name = need(strdup(op->b))};
		n->xattr_count++;
	}
	x->len = op->n[1];
	x->value = need(realloc(x->value, x->len + 1));
	fill(x->value, x->len, op->n[2]);
	return 0;
}

static void set_attrs(struct model *m, struct node *n, const struct op *op)
{
	n->at.meta = m->now;
	switch (op->kind) {
	case OP_CHMOD:
	case OP_HELD_CHMOD:
		n->mode = (n->mode & S_IFMT) | (mode_t)op->n[0];
		break;
	case OP_CHOWN:
	case OP_HELD_CHOWN:
		n->uid = (uid_t)op->n[0];
		n->gid = (gid_t)op->n[1];
		break;
	default:
		n->mtime = (struct timespec){(time_t)op->n[0], (long)op->n[1]};
		n->mtime_known = true;
	}
}

static void apply_sync(struct model *m, struct node *n, const struct op *op)
{
	if (op->kind == OP_SYNCFS)
		m->synced = m->now;
	else
		n->at.synced = m->now;
}

int apply_attrs(struct model *m, const struct op *op)
{
	bool held = op->a[0] == '-';
	struct node *n = held ? m->held : model_find(m, op->a);

	if (!n && op->kind != OP_SYNCFS)
		return ENOENT;
	switch (op->kind) {
	case OP_WRITE:
	case OP_MAP:
	case OP_HELD_WRITE:
		write_at(m, n, op, op->n[0]);
		return 0;
	case OP_APPEND:
		write_at(m, n, op, n->size);
		return 0;
	case OP_TRUNCATE:
	case OP_HELD_TRUNCATE:
		resize(m, n, op->n[0]);
		return 0;
	case OP_SETXATTR:
	case OP_RMXATTR:
		return set_xattr(m, n, op);
	case OP_FSYNC:
	case OP_HELD_FSYNC:
	case OP_SYNCFS:
		apply_sync(m, n, op);
		return 0;
	default:
		set_attrs(m, n, op);
		return 0;
	}
}
