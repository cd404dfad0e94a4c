/* SPDX-License-Identifier: MIT */
#include "fs/xattr.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "common/cleanup.h"
#include "fs/acl.h"
#include "fs/node.h"
#include "fs/side.h"

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* vfs_cap_data and vfs_ns_cap_data of linux/capability.h. */
static bool capability_valid(const void *value, size_t len)
{
	uint32_t magic;

	if (len < sizeof(magic))
		return false;
	memcpy(&magic, value, sizeof(magic));
	switch (le32toh(magic) & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_2:
		return len == XATTR_CAPS_SZ_2;
	case VFS_CAP_REVISION_3:
		return len == XATTR_CAPS_SZ_3;
	default:
		return false;
	}
}

enum xattr_fate xattr_fate(uint32_t type, const char *name, const void *value, size_t len)
{
	/* Names of the side channel have answers of their own. */
	if (starts(name, "trusted.") || starts(name, SIDE_PREFIX))
		return XATTR_HIDDEN;
	if (starts(name, "user."))
		return S_ISREG(type) || S_ISDIR(type) ? XATTR_SHOWN : XATTR_HIDDEN;
	if (strcmp(name, XATTR_CAPABILITY) == 0)
		return capability_valid(value, len) ? XATTR_SHOWN : XATTR_BAD;
	if (strcmp(name, XATTR_ACL_ACCESS) == 0 || strcmp(name, XATTR_ACL_DEFAULT) == 0) {
		if (S_ISLNK(type) ||
			(strcmp(name, XATTR_ACL_DEFAULT) == 0 && !S_ISDIR(type)))
			return XATTR_HIDDEN;
		return acl_valid(value, len) ? XATTR_SHOWN : XATTR_BAD;
	}
	/* Labels are not kept here, and a name without a namespace cannot be listed. */
	return strcmp(name, XATTR_LABEL) == 0 || !strchr(name, '.') ? XATTR_HIDDEN
								    : XATTR_SHOWN;
}

/* A list of one more item, sorted in; the old list is left for the arena to free. */
static struct attr_list *list_with(struct engine *en, const struct attr_list *old,
	const char *name, const void *value, size_t len)
{
	size_t count = old ? old->count : 0;
	struct attr_list *l =
		arena_alloc(&en->arena, sizeof(*l) + (count + 1) * sizeof(l->items[0]));
	char *copy = arena_alloc(&en->arena, len ? len : 1);
	char *copied_name = arena_strdup(&en->arena, name);
	size_t i = 0;

	if (!l || !copy || !copied_name)
		return NULL;
	memcpy(copy, value, len);
	while (i < count && strcmp(old->items[i].name, name) < 0) {
		l->items[i] = old->items[i];
		i++;
	}
	l->items[i] = (struct xattr){copied_name, copy, len};
	for (; i < count; i++)
		l->items[i + 1] = old->items[i];
	l->count = count + 1;
	return l;
}

static const struct xattr *list_find(const struct attr_list *l, const char *name)
{
	for (size_t i = 0; l && i < l->count; i++)
		if (strcmp(l->items[i].name, name) == 0)
			return &l->items[i];
	return NULL;
}

static int node_add(struct engine *en, struct node *n, const char *name,
	const void *value, size_t len)
{
	struct attr_list *l;

	switch (xattr_fate(n->mode, name, value, len)) {
	case XATTR_HIDDEN:
		return 0;
	case XATTR_BAD:
		engine_find_fault(en, n, FINDING_BAD_XATTR,
			"the value of %s cannot be shown to a reader", name);
		return 0;
	case XATTR_SHOWN:
		break;
	}
	l = list_with(en, atomic_load(&n->attrs), name, value, len);
	if (!l)
		return -1;
	atomic_store_explicit(&n->attrs, l, memory_order_release);
	return 0;
}

struct record_arg {
	struct engine *en;
	struct node *n;
};

static int add_from_record(void *arg, const char *name, const void *value, size_t len)
{
	struct record_arg *a = arg;

	return node_add(a->en, a->n, name, value, len);
}

int node_load_xattrs(struct engine *en, struct node *n, struct err *e)
{
	struct record_arg arg = {en, n};

	e->code = ERR_NONE;
	if (db_xattr_each(en->db, n->record, add_from_record, &arg, e) == 0)
		return 0;
	return e->code ? -1 : err_set(e, ERR_SYS, "out of memory");
}

/* The host's labels, hashes and trusted.* never show: they describe the build host. */
static bool host_name_shows(const char *name)
{
	return starts(name, "user.") || strcmp(name, XATTR_CAPABILITY) == 0 ||
	       strcmp(name, XATTR_ACL_ACCESS) == 0 ||
	       strcmp(name, XATTR_ACL_DEFAULT) == 0;
}

static int add_from_host(
	struct engine *en, struct node *n, const char *proc_path, struct err *e)
{
	cleanup_free char *names = malloc(XATTR_LIST_MAX);
	cleanup_free char *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = names && value ? llistxattr(proc_path, names, XATTR_LIST_MAX) : -1;

	if (!names || !value)
		return err_set(e, ERR_SYS, "out of memory");
	if (len < 0)
		return errno == ENOTSUP ? 0
					: err_sys(e, n->name, "cannot list attributes");
	for (const char *p = names; p < names + len; p += strlen(p) + 1) {
		ssize_t size;

		if (!host_name_shows(p) || list_find(atomic_load(&n->attrs), p))
			continue;
		size = lgetxattr(proc_path, p, value, XATTR_SIZE_MAX);
		if (size < 0)
			return err_sys(e, n->name, "cannot read attribute %s", p);
		if (node_add(en, n, p, value, (size_t)size) < 0)
			return err_set(e, ERR_SYS, "out of memory");
	}
	return 0;
}

/* Most files have none: told apart by one call without a buffer. */
static int look_at_host(
	struct engine *en, struct node *n, int dirfd, const char *name, struct err *e)
{
	char path[64 + DB_NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", dirfd, *name ? "/" : "",
		name);
	if (*name && llistxattr(path, NULL, 0) == 0)
		return 0;
	/* The root is reached through the descriptor's link itself. */
	return add_from_host(en, n, *name ? path : strcat(path, "/."), e);
}

/* The staging files' own attributes, for a whole directory at once: one open for all. */
static int load_host_xattrs(
	struct engine *en, struct node *dir, struct dir *d, struct err *e)
{
	cleanup_close int fd = node_open(en, dir, O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < d->count; i++) {
		struct node *n = d->entries[i].node;

		if (!n->host_xattrs_done &&
			look_at_host(en, n, fd, d->entries[i].name, e) < 0)
			return -1;
		n->host_xattrs_done = true;
	}
	atomic_store_explicit(&d->host_xattrs, true, memory_order_release);
	return 0;
}

static int ensure_host_xattrs(struct engine *en, struct node *n, struct err *e)
{
	struct dir *d = n->parent ? atomic_load(&n->parent->dir) : NULL;
	int rc = 0;

	if (d ? atomic_load_explicit(&d->host_xattrs, memory_order_acquire)
	      : atomic_load_explicit(&en->root_xattrs, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&en->load_lock);
	if (d && !atomic_load(&d->host_xattrs)) {
		rc = load_host_xattrs(en, n->parent, d, e);
	} else if (!d && !atomic_load(&en->root_xattrs)) {
		rc = look_at_host(en, n, stage_root(en->stage), "", e);
		if (rc == 0)
			atomic_store_explicit(
				&en->root_xattrs, true, memory_order_release);
	}
	pthread_mutex_unlock(&en->load_lock);
	if (rc < 0)
		engine_find_fault(en, n, FINDING_UNREADABLE, "%s", e->msg);
	return rc;
}

static struct xattr label_xattr(const struct node *n)
{
	return (struct xattr){XATTR_LABEL, n->label, strlen(n->label) + 1};
}

int engine_xattrs(
	struct engine *en, struct node *n, engine_xattr_fn *fn, void *arg, struct err *e)
{
	bool label_due = n->label;
	struct attr_list *l;
	int rc = ensure_host_xattrs(en, n, e);

	if (rc < 0)
		return -1;
	l = atomic_load_explicit(&n->attrs, memory_order_acquire);
	for (size_t i = 0; l && rc == 0 && i < l->count; i++) {
		if (label_due && strcmp(l->items[i].name, XATTR_LABEL) > 0) {
			struct xattr x = label_xattr(n);

			label_due = false;
			rc = fn(arg, &x);
		}
		if (rc == 0)
			rc = fn(arg, &l->items[i]);
	}
	if (rc == 0 && label_due) {
		struct xattr x = label_xattr(n);

		rc = fn(arg, &x);
	}
	return rc;
}

int engine_xattr(struct engine *en, struct node *n, const char *name, struct xattr *x,
	struct err *e)
{
	const struct xattr *found;

	if (strcmp(name, XATTR_LABEL) == 0) {
		if (n->label)
			*x = label_xattr(n);
		return n->label != NULL;
	}
	if (ensure_host_xattrs(en, n, e) < 0)
		return -1;
	found = list_find(atomic_load_explicit(&n->attrs, memory_order_acquire), name);
	if (found)
		*x = *found;
	return found != NULL;
}
