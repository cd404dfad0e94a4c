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
#include "fs/ahead.h"
#include "fs/node.h"
#include "fs/side.h"

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool xattr_is_acl(const char *name)
{
	return strcmp(name, XATTR_ACL_ACCESS) == 0 ||
	       strcmp(name, XATTR_ACL_DEFAULT) == 0;
}

bool xattr_is_nameless(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && !dot[1];
}

/*
 * What cap_inode_getsecurity() of the kernel hands out: vfs_cap_data or vfs_ns_cap_data
 * of linux/capability.h, with no flag but one, and a root that can be somebody.
 */
static bool capability_valid(const void *value, size_t len)
{
	struct vfs_ns_cap_data cap = {0};

	if (len > sizeof(cap))
		return false;
	memcpy(&cap, value, len);
	switch (le32toh(cap.magic_etc) & ~(uint32_t)VFS_CAP_FLAGS_EFFECTIVE) {
	case VFS_CAP_REVISION_2:
		return len == XATTR_CAPS_SZ_2;
	case VFS_CAP_REVISION_3:
		return len == XATTR_CAPS_SZ_3 && le32toh(cap.rootid) != UINT32_MAX;
	default:
		return false;
	}
}

enum xattr_fate xattr_fate(uint32_t type, const char *name, const void *value, size_t len)
{
	/* Names of the side channel have answers of their own. */
	if (starts(name, "trusted.") || starts(name, SIDE_PREFIX) ||
		xattr_is_nameless(name))
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

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

int xattr_label_check(const char *label, size_t len, struct err *e)
{
	if (!len || len > DB_LABEL_MAX)
		return err_set(e, ERR_INPUT, "a label has 1 to %d bytes", DB_LABEL_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)label[i] < 0x20 || label[i] == 0x7f)
			return err_set(
				e, ERR_INPUT, "a label cannot hold a control character");
	if (len == strlen(LABEL_EXCLUDED) && memcmp(label, LABEL_EXCLUDED, len) == 0)
		return err_set(e, ERR_INPUT,
			"the label " LABEL_EXCLUDED " stands for none, and only a policy "
			"can say so");
	return 0;
}

static const struct xattr *list_find(const struct attr_list *l, const char *name)
{
	const struct xattr key = {.name = name};

	return l ? bsearch(&key, l->items, l->count, sizeof(key), compare_items) : NULL;
}

/* Attributes of one node on their way to its list. */
struct gather {
	struct engine *en;
	struct node *n;
	struct xattr *items;
	size_t count, room;
	size_t names; /* bytes of all names as listxattr(2) gives them */
	size_t raw;   /* the same of what only raw readers get */
};

/* Kept for raw readers only. */
static bool is_raw(const struct engine *en, const char *name)
{
	return !en->opt.trusted && starts(name, "trusted.");
}

static size_t *names_of(struct gather *g, const char *name)
{
	return is_raw(g->en, name) ? &g->raw : &g->names;
}

/* Starts with the label and what the node has already. Free items when done. */
static int gather_start(struct gather *g, struct engine *en, struct node *n)
{
	const struct attr_list *l = atomic_load(&n->attrs);

	*g = (struct gather){.en = en, .n = n, .room = l ? l->count + 16 : 16};
	g->items = calloc(g->room, sizeof(*g->items));
	if (!g->items)
		return -1;
	g->names = n->label ? sizeof(XATTR_LABEL) : 0;
	for (; l && g->count < l->count; g->count++) {
		g->items[g->count] = l->items[g->count];
		*names_of(g, g->items[g->count].name) +=
			strlen(g->items[g->count].name) + 1;
	}
	return 0;
}

static int gather_keep(struct gather *g, const char *name, const void *value, size_t len)
{
	char *copy = arena_alloc(&g->en->arena, len ? len : 1);
	char *copied_name = arena_strdup(&g->en->arena, name);

	if (g->count == g->room) {
		struct xattr *p = reallocarray(g->items, g->room * 2, sizeof(*p));

		if (!p)
			return -1;
		g->items = p;
		g->room *= 2;
	}
	if (!copy || !copied_name)
		return -1;
	memcpy(copy, value, len);
	g->items[g->count++] = (struct xattr){copied_name, copy, len};
	*names_of(g, name) += strlen(name) + 1;
	return 0;
}

/* What this engine's user asked for, before what a file can have. */
static enum xattr_fate fate(
	const struct gather *g, const char *name, const void *value, size_t len)
{
	const struct engine_options *o = &g->en->opt;

	if (xattr_is_acl(name) ? o->no_acls : o->no_xattrs)
		return XATTR_HIDDEN;
	if (starts(name, "trusted.") && !xattr_is_nameless(name)) /* to raw readers */
		return XATTR_SHOWN;
	return xattr_fate(g->n->mode, name, value, len);
}

static int gather_add(struct gather *g, const char *name, const void *value, size_t len)
{
	/* The record's comes first, and the staging file's is then not looked at. */
	if (g->en->opt.no_acls && strcmp(name, XATTR_ACL_ACCESS) == 0 &&
		!g->n->acl_left_out && acl_valid(value, len)) {
		g->n->mode = acl_mode_without(value, len, g->n->mode);
		g->n->acl_left_out = true;
	}
	switch (fate(g, name, value, len)) {
	case XATTR_HIDDEN:
		return 0;
	case XATTR_BAD:
		engine_find_fault(g->en, g->n, FINDING_BAD_XATTR,
			"the value of %s cannot be shown to a reader", name);
		return 0;
	case XATTR_SHOWN:
		break;
	}
	if (*names_of(g, name) + strlen(name) + 1 > XATTR_LIST_MAX) {
		/* No reader of the view misses it. */
		if (is_raw(g->en, name))
			return 0;
		engine_find_fault(g->en, g->n, FINDING_BAD_XATTR,
			"%s is not shown: the names of all attributes of a file have at "
			"most %d bytes",
			name, XATTR_LIST_MAX);
		return 0;
	}
	return gather_keep(g, name, value, len);
}

/* The old list, if any, is left for the arena to free. */
static int gather_publish(struct gather *g)
{
	struct attr_list *l;

	if (!g->count)
		return 0;
	l = arena_alloc(&g->en->arena, sizeof(*l) + g->count * sizeof(l->items[0]));
	if (!l)
		return -1;
	qsort(g->items, g->count, sizeof(g->items[0]), compare_items);
	memcpy(l->items, g->items, g->count * sizeof(l->items[0]));
	l->count = g->count;
	atomic_store_explicit(&g->n->attrs, l, memory_order_release);
	return 0;
}

static int add_from_record(void *arg, const char *name, const void *value, size_t len)
{
	return gather_add(arg, name, value, len);
}

int node_load_xattrs(struct engine *en, struct node *n, struct err *e)
{
	struct gather g;
	int rc = gather_start(&g, en, n);

	e->code = ERR_NONE;
	if (rc == 0)
		rc = db_xattr_each(en->db, n->record, add_from_record, &g, e);
	if (rc == 0)
		rc = gather_publish(&g);
	free(g.items);
	if (rc == 0)
		return 0;
	return e->code ? -1 : err_set(e, ERR_SYS, "out of memory");
}

bool xattr_host_shows(const char *name)
{
	return starts(name, "user.") || strcmp(name, XATTR_CAPABILITY) == 0 ||
	       xattr_is_acl(name);
}

/* A staging file by its name in an open directory, or as a descriptor's own link. */
struct host_file {
	char path[64 + DB_NAME_MAX];
	bool follow;
};

static ssize_t host_names(const struct host_file *f, char *names, size_t size)
{
	return f->follow ? listxattr(f->path, names, size)
			 : llistxattr(f->path, names, size);
}

static ssize_t host_value(
	const struct host_file *f, const char *name, void *value, size_t size)
{
	return f->follow ? getxattr(f->path, name, value, size)
			 : lgetxattr(f->path, name, value, size);
}

static int add_from_host(struct gather *g, const struct host_file *f, struct err *e)
{
	const struct attr_list *recorded = atomic_load(&g->n->attrs);
	cleanup_free char *names = malloc(XATTR_LIST_MAX);
	cleanup_free char *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = names && value ? host_names(f, names, XATTR_LIST_MAX) : -1;

	if (!names || !value)
		return err_set(e, ERR_SYS, "out of memory");
	if (len < 0)
		return err_sys(e, g->n->name, "cannot list attributes");
	for (const char *p = names; p < names + len; p += strlen(p) + 1) {
		ssize_t size;

		if (!xattr_host_shows(p) || list_find(recorded, p))
			continue;
		size = host_value(f, p, value, XATTR_SIZE_MAX);
		if (size < 0)
			return err_sys(e, g->n->name, "cannot read attribute %s", p);
		if (gather_add(g, p, value, (size_t)size) < 0)
			return err_set(e, ERR_SYS, "out of memory");
	}
	return gather_publish(g) < 0 ? err_set(e, ERR_SYS, "out of memory") : 0;
}

/* Most files have none: told apart by one call without a buffer. */
static int look_at_host(
	struct engine *en, struct node *n, const struct host_file *f, struct err *e)
{
	ssize_t len = n->host_xattrs_done ? 0 : host_names(f, NULL, 0);
	struct gather g;
	int rc;

	if (len < 0 && errno != ENOTSUP)
		return err_sys(e, n->name, "cannot list attributes");
	if (len > 0) {
		rc = gather_start(&g, en, n) < 0 ? err_set(e, ERR_SYS, "out of memory")
						 : add_from_host(&g, f, e);
		free(g.items);
		if (rc < 0)
			return -1;
	}
	n->host_xattrs_done = true;
	return 0;
}

/* The staging files' own attributes, for a whole directory at once: one open for all. */
int node_load_host_xattrs(
	struct engine *en, struct node *dir, struct dir *d, struct err *e)
{
	cleanup_close int fd = node_open(en, dir, O_RDONLY | O_DIRECTORY, e);
	struct host_file f = {.follow = false};

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < d->count; i++) {
		snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d/%s", fd,
			d->entries[i].name);
		if (look_at_host(en, d->entries[i].node, &f, e) < 0)
			return -1;
	}
	atomic_store_explicit(&d->host_xattrs, true, memory_order_release);
	return 0;
}

/* The same for the root, or for a node whose first directory could not be loaded. */
int node_load_own_xattrs(struct engine *en, struct node *n, struct err *e)
{
	cleanup_close int fd = n == en->root ? -1 : node_open(en, n, O_PATH, e);
	struct host_file f = {.follow = true};

	if (n != en->root && fd < 0)
		return -1;
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d",
		n == en->root ? stage_root(en->stage) : fd);
	if (look_at_host(en, n, &f, e) < 0)
		return -1;
	if (n == en->root)
		atomic_store_explicit(&en->root_xattrs, true, memory_order_release);
	return 0;
}

static struct dir *dir_of(const struct node *n)
{
	return n->parent ? node_dir(n->parent) : NULL;
}

static int ensure_host_xattrs(struct engine *en, struct node *n, struct err *e)
{
	struct dir *d = dir_of(n);
	int rc = 0;

	if (d ? atomic_load_explicit(&d->host_xattrs, memory_order_acquire)
	      : n == en->root && atomic_load_explicit(
					 &en->root_xattrs, memory_order_acquire))
		return 0;
	ahead_want_attributes(en->ahead);
	pthread_mutex_lock(&en->load_lock);
	d = dir_of(n);
	if (!d)
		rc = node_load_own_xattrs(en, n, e);
	else if (!atomic_load(&d->host_xattrs))
		rc = node_load_host_xattrs(en, n->parent, d, e);
	pthread_mutex_unlock(&en->load_lock);
	if (rc < 0)
		engine_find_fault(en, n, FINDING_UNREADABLE, "%s", e->msg);
	return rc;
}

static struct xattr label_xattr(const struct node *n)
{
	return (struct xattr){XATTR_LABEL, n->label, strlen(n->label) + 1};
}

static int each_xattr(struct engine *en, struct node *n, bool raw, engine_xattr_fn *fn,
	void *arg, struct err *e)
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
		if (rc == 0 && (raw || !is_raw(en, l->items[i].name)))
			rc = fn(arg, &l->items[i]);
	}
	if (rc == 0 && label_due) {
		struct xattr x = label_xattr(n);

		rc = fn(arg, &x);
	}
	return rc;
}

int engine_xattrs(
	struct engine *en, struct node *n, engine_xattr_fn *fn, void *arg, struct err *e)
{
	return each_xattr(en, n, false, fn, arg, e);
}

int engine_xattrs_raw(
	struct engine *en, struct node *n, engine_xattr_fn *fn, void *arg, struct err *e)
{
	return each_xattr(en, n, true, fn, arg, e);
}

int engine_xattr(struct engine *en, struct node *n, const char *name, struct xattr *x,
	struct err *e)
{
	return is_raw(en, name) ? 0 : engine_xattr_raw(en, n, name, x, e);
}

int engine_xattr_raw(struct engine *en, struct node *n, const char *name, struct xattr *x,
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
