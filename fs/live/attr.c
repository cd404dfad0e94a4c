/* SPDX-License-Identifier: MIT */
/* Extended attributes: the record's, and the staging file's own where it has none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/acl.h"
#include "fs/engine.h"
#include "fs/live/node.h"
#include "fs/xattr.h"

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_label(const char *name)
{
	return strcmp(name, XATTR_LABEL) == 0;
}

/* Of a kind that filesystems have, and with a name behind it. */
static int check_space(const char *name, bool raw)
{
	if (!starts(name, "user.") && !starts(name, "security.") && !xattr_is_acl(name) &&
		!(raw && starts(name, "trusted.")))
		return -EOPNOTSUPP;
	return xattr_is_nameless(name) ? -EINVAL : 0;
}

/* Would a reader be given it? trusted.* only past the kernel, foreign kinds never. */
static bool shows(const struct live_node *n, const char *name, const void *value,
	size_t len, bool raw)
{
	if (check_space(name, raw) < 0)
		return false;
	if (starts(name, "trusted."))
		return true;
	return xattr_fate(n->type, name, value, len) == XATTR_SHOWN;
}

static int label_get(struct live *l, const struct live_node *n, struct buf *value)
{
	const char *text;
	struct err e;

	if (!n->r.id || !n->r.label || l->opt.no_labels)
		return -ENODATA;
	text = db_label_text(l->db, n->r.label, &e);
	if (!text)
		return db_errno(l, &e);
	if (strcmp(text, LABEL_EXCLUDED) == 0)
		return -ENODATA;
	return buf_add(value, text, strlen(text) + 1) < 0 ? -ENOMEM : 0;
}

static int recorded_get(
	struct live *l, const struct live_node *n, const char *name, struct buf *value)
{
	cleanup_free void *bytes = NULL;
	size_t len;
	struct err e;
	int rc;

	if (!n->r.id || !n->r.has_xattrs)
		return -ENODATA;
	rc = db_xattr_get(l->db, n->r.id, name, &bytes, &len, &e);
	if (rc <= 0)
		return rc < 0 ? db_errno(l, &e) : -ENODATA;
	return buf_add(value, bytes, len) < 0 ? -ENOMEM : 0;
}

/*
 * Most staging files have no attributes of their own, and are asked often: that they have
 * none is remembered for as long as attributes may be.
 */
static bool is_plain(const struct live_node *n)
{
	return n->plain && clock_ms() - n->plain < (int64_t)(LIVE_TIMEOUT * 1000);
}

static bool look_plain(struct live_node *n, const struct grip *g)
{
	char path[GRIP_PATH];
	ssize_t len = listxattr(grip_path(g, path), NULL, 0);

	n->plain = len == 0 || (len < 0 && errno == ENOTSUP) ? clock_ms() : 0;
	return n->plain;
}

static int host_get(const struct grip *g, const char *name, struct buf *value)
{
	char path[GRIP_PATH];
	ssize_t len;
	cleanup_free char *bytes = NULL;

	if (!xattr_host_shows(name))
		return -ENODATA;
	len = getxattr(grip_path(g, path), name, NULL, 0);
	if (len < 0)
		return errno == ENOTSUP ? -ENODATA : -errno;
	bytes = malloc(XATTR_SIZE_MAX);
	if (!bytes)
		return -ENOMEM;
	len = getxattr(path, name, bytes, XATTR_SIZE_MAX);
	if (len < 0)
		return -errno;
	return buf_add(value, bytes, (size_t)len) < 0 ? -ENOMEM : 0;
}

int attr_get(struct live *l, struct live_node *n, const struct grip *g, const char *name,
	bool raw, struct buf *value)
{
	int rc;

	rc = check_space(name, raw);
	if (rc < 0)
		return rc;
	if (is_label(name))
		return label_get(l, n, value);
	rc = recorded_get(l, n, name, value);
	if (rc == -ENODATA && !is_plain(n)) {
		if (g->fd < 0)
			return -EAGAIN;
		if (!look_plain(n, g))
			rc = host_get(g, name, value);
	}
	if (rc == 0 && !shows(n, name, value->data, value->len, raw))
		return -ENODATA;
	return rc;
}

int live_getxattr(struct live *l, struct live_node *n, const char *name, bool raw,
	struct buf *value)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = node_sync(l, n);
	/* The staging file is opened only where it has to say something. */
	if (rc == 0)
		rc = attr_get(l, n, &g, name, raw, value);
	if (rc == -EAGAIN) {
		rc = grip_node(l, n, &g);
		if (rc == 0)
			rc = attr_get(l, n, &g, name, raw, value);
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_label(struct live *l, struct live_node *n, struct buf *label)
{
	int rc = live_getxattr(l, n, XATTR_LABEL, true, label);

	if (rc == 0)
		label->len--;
	return rc == -ENODATA ? 0 : rc;
}

struct listing {
	const struct live_node *node;
	char **names;
	size_t count, room;
	bool raw;
};

static int add_name(struct listing *x, const char *name)
{
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->names[i], name) == 0)
			return 0;
	if (array_room(x->names, x->count, &x->room) < 0)
		return -ENOMEM;
	x->names[x->count] = strdup(name);
	return x->names[x->count++] ? 0 : -ENOMEM;
}

static int add_recorded(void *arg, const char *name, const void *value, size_t len)
{
	struct listing *x = arg;

	return shows(x->node, name, value, len, x->raw) ? add_name(x, name) : 0;
}

static int add_host(struct listing *x, const struct grip *g)
{
	cleanup_free char *names = NULL;
	cleanup_buf struct buf value = {0};
	char path[GRIP_PATH];
	ssize_t len = listxattr(grip_path(g, path), NULL, 0);
	int rc = 0;

	if (len <= 0)
		return len == 0 || errno == ENOTSUP ? 0 : -errno;
	names = malloc(XATTR_LIST_MAX);
	if (!names)
		return -ENOMEM;
	len = listxattr(path, names, XATTR_LIST_MAX);
	for (const char *p = names; rc == 0 && p < names + len; p += strlen(p) + 1) {
		value.len = 0;
		if (xattr_host_shows(p) && host_get(g, p, &value) == 0 &&
			shows(x->node, p, value.data, value.len, x->raw))
			rc = add_name(x, p);
	}
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(struct live *l, struct listing *x, struct live_node *n)
{
	cleanup_grip struct grip g = GRIP_NONE;
	cleanup_buf struct buf label = {0};
	struct err e = {.code = ERR_NONE};
	int rc = node_sync(l, n);

	if (rc == 0)
		rc = grip_node(l, n, &g);
	if (rc == 0 && label_get(l, n, &label) == 0)
		rc = add_name(x, XATTR_LABEL);
	if (rc == 0 && n->r.id && n->r.has_xattrs) {
		rc = db_xattr_each(l->db, n->r.id, add_recorded, x, &e);
		if (rc == -1 && e.code)
			rc = db_errno(l, &e);
	}
	return rc == 0 ? add_host(x, &g) : rc;
}

int live_listxattr(struct live *l, struct live_node *n, bool raw, struct buf *names)
{
	struct listing x = {.node = n, .raw = raw};
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = list_names(l, &x, n);
	pthread_mutex_unlock(&l->lock);
	if (x.count)
		qsort(x.names, x.count, sizeof(*x.names), by_text);
	for (size_t i = 0; i < x.count; i++) {
		if (rc == 0 && buf_add(names, x.names[i], strlen(x.names[i]) + 1) < 0)
			rc = -ENOMEM;
		free(x.names[i]);
	}
	free(x.names);
	if (rc == 0 && names->len > XATTR_LIST_MAX)
		rc = -E2BIG;
	return rc;
}

int drop_capability(struct live *l, struct live_node *n, struct buf *was)
{
	cleanup_buf struct buf value = {0};
	struct err e;
	int rc = recorded_get(l, n, XATTR_CAPABILITY, was ? was : &value);

	if (rc < 0)
		return rc == -ENODATA ? 0 : rc;
	if (db_xattr_drop(l->db, n->r.id, XATTR_CAPABILITY, &e) < 0)
		return db_errno(l, &e);
	return 0;
}

void return_capability(struct live *l, struct live_node *n, const struct buf *was)
{
	struct err ignored;

	if (was->len)
		db_xattr_put(
			l->db, n->r.id, XATTR_CAPABILITY, was->data, was->len, &ignored);
}

/* A change to one attribute; value NULL removes it. */
struct setting {
	const char *name;
	const void *value;
	size_t len;
};

static int check_name(const struct live_node *n, const struct setting *s, bool raw)
{
	bool acl = xattr_is_acl(s->name);
	int rc = check_space(s->name, raw);

	if (rc < 0)
		return rc;
	if (starts(s->name, "trusted."))
		return 0;
	if (acl && S_ISLNK(n->type))
		return -EOPNOTSUPP;
	if (starts(s->name, "user.") && !S_ISREG(n->type) && !S_ISDIR(n->type))
		return -EPERM;
	if (!s->value)
		return 0;
	if (strcmp(s->name, XATTR_ACL_DEFAULT) == 0 && !S_ISDIR(n->type))
		return -EACCES;
	if (is_label(s->name))
		return 0;
	if (acl && !acl_complete(s->value, s->len))
		return -EINVAL;
	return xattr_fate(n->type, s->name, s->value, s->len) == XATTR_SHOWN ? 0
									     : -EINVAL;
}

static int set_label(struct live *l, const struct setting *s, struct db_record *r)
{
	size_t len = s->value ? s->len : 0;
	struct err e;

	r->label = 0;
	if (!s->value)
		return 0;
	if (len && !((const char *)s->value)[len - 1])
		len--;
	if (xattr_label_check(s->value, len, &e) < 0)
		return -EINVAL;
	r->label = db_label_intern(l->db, s->value, len, &e);
	return r->label < 0 ? db_errno(l, &e) : 0;
}

/* What it does to the record itself, then the attribute; in a transaction. */
static int apply(struct live *l, const struct setting *s, struct db_record *r)
{
	struct err e;
	int rc;

	if (is_label(s->name))
		rc = set_label(l, s, r);
	else if (s->value)
		rc = db_xattr_put(l->db, r->id, s->name, s->value, s->len, &e) < 0
			     ? db_errno(l, &e)
			     : 0;
	else
		rc = db_xattr_drop(l->db, r->id, s->name, &e) < 0 ? db_errno(l, &e) : 0;
	return rc == 0 ? node_put(l, r) : rc;
}

/* The staging file's own would show again where the record's is gone. 1: it was there. */
static int drop_host(const struct grip *g, const char *name, struct buf *was)
{
	char path[GRIP_PATH];
	/* A capability that is not there could not be removed either, says the kernel. */
	int rc = host_get(g, name, was);

	if (rc < 0)
		return rc == -ENODATA ? 0 : rc;
	if (removexattr(grip_path(g, path), name) == 0)
		return 1;
	return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
}

static void return_host(const struct grip *g, const char *name, const struct buf *was)
{
	char path[GRIP_PATH];

	setxattr(grip_path(g, path), name, was->len ? was->data : "", was->len, 0);
}

/* First what may be refused, and can be taken back. */
static int store(struct live *l, const struct grip *g, const struct setting *s,
	struct db_record *r)
{
	cleanup_buf struct buf was = {0};
	int dropped = s->value ? 0 : drop_host(g, s->name, &was);
	int rc = dropped < 0 ? dropped : node_touch(g);

	if (rc == 0)
		rc = change_begin(l);
	if (rc == 0)
		rc = change_end(l, apply(l, s, r));
	if (rc < 0 && dropped > 0)
		return_host(g, s->name, &was);
	return rc;
}

static int set(struct live *l, struct live_node *n, struct grip *g, struct setting *s,
	bool was_there)
{
	struct db_record r;
	int rc = node_adopt(l, n, &g->st);

	if (rc == 0)
		rc = keep_bits(l, n, g);
	if (rc < 0)
		return rc;
	r = n->r;
	if (s->value && strcmp(s->name, XATTR_ACL_ACCESS) == 0) {
		uint32_t mode = node_mode(n, &g->st) & 07000;

		r.mode = mode | acl_mode(s->value, s->len);
		/* One that says no more than the mode is none. */
		if (acl_is_mode(s->len))
			s->value = NULL;
		if (!s->value && !was_there && r.mode == n->r.mode)
			return 0;
	}
	rc = store(l, g, s, &r);
	if (rc < 0)
		return rc;
	n->r = r;
	if (s->value && !is_label(s->name))
		n->r.has_xattrs = true;
	return 0;
}

static int set_locked(
	struct live *l, struct live_node *n, struct setting *s, int flags, bool raw)
{
	cleanup_grip struct grip g = GRIP_NONE;
	cleanup_buf struct buf old = {0};
	bool was_there;
	int rc = change_ready(l, n);

	if (rc == 0)
		rc = grip_node(l, n, &g);
	if (rc == 0)
		rc = check_name(n, s, raw);
	if (rc < 0)
		return rc;
	rc = attr_get(l, n, &g, s->name, raw, &old);
	was_there = rc == 0;
	if (rc < 0 && rc != -ENODATA)
		return rc;
	if (rc == 0 && flags & XATTR_CREATE)
		return -EEXIST;
	/* No ACL is what one that is removed leaves. */
	if (rc < 0 && !s->value && xattr_is_acl(s->name))
		return 0;
	if (rc < 0 && (flags & XATTR_REPLACE || !s->value))
		return -ENODATA;
	return set(l, n, &g, s, was_there);
}

int live_setxattr(struct live *l, struct live_node *n, const char *name,
	const void *value, size_t len, int flags, bool raw)
{
	struct setting s = {name, value ? value : "", len};
	bool acl = xattr_is_acl(name);
	int rc = acl ? acl_check_version(value, len) : 0;

	if (rc < 0)
		return rc;
	/* setxattr(2) looks at no flags of an ACL. */
	if (acl)
		flags = 0;
	/* One without entries it takes for a removal. */
	if (acl && len <= 4) {
		rc = live_removexattr(l, n, name, raw);
		return rc == -ENODATA ? 0 : rc;
	}
	pthread_mutex_lock(&l->lock);
	rc = set_locked(l, n, &s, flags, raw);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_removexattr(struct live *l, struct live_node *n, const char *name, bool raw)
{
	struct setting s = {name, NULL, 0};
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = set_locked(l, n, &s, 0, raw);
	pthread_mutex_unlock(&l->lock);
	return rc;
}
