/* SPDX-License-Identifier: MIT */
#include "image/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/xattr.h"
#include "image/table.h"

struct chunk {
	struct chunk *next;
	char bytes[];
};

struct listing_store {
	struct chunk *chunks;
	char *next;
	size_t left;
	uint64_t path_bytes;
	uint64_t file_bytes;  /* of all regular files: after listing_finish() */
	uint64_t spare_bytes; /* of unexpected files whose content was wanted */
	struct table values;  /* hash → struct value: each is kept once */
	struct table paths;   /* hash of the path → index in entries */
	struct table ids;     /* id → inode, as a pointer */
};

#define CHUNK_SIZE ((size_t)1 << 18)

static void *store_alloc(struct listing_store *s, size_t size)
{
	char *p;

	size = (size + 7) & ~(size_t)7;
	if (size > s->left) {
		size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
		struct chunk *c = malloc(sizeof(*c) + room);

		if (!c)
			return NULL;
		c->next = s->chunks;
		s->chunks = c;
		if (room == size)
			return c->bytes;
		s->next = c->bytes;
		s->left = room;
	}
	p = s->next;
	s->next += size;
	s->left -= size;
	return p;
}

static char *store_copy(struct listing_store *s, const void *bytes, size_t len)
{
	char *p = store_alloc(s, len + 1);

	if (p) {
		memcpy(p, bytes, len);
		p[len] = 0;
	}
	return p;
}

/* Bytes of an attribute's name or value, followed by a NUL. */
struct value {
	size_t len;
	char bytes[];
};

struct wanted {
	const void *bytes;
	size_t len;
};

static bool same_value(const void *arg, uint64_t value, const void *key)
{
	const struct value *v = (const void *)(uintptr_t)value;
	const struct wanted *w = key;

	(void)arg;
	return v->len == w->len && memcmp(v->bytes, w->bytes, w->len) == 0;
}

/* Labels and capabilities are few, and images may share one value among all inodes. */
static const char *store_value(struct listing_store *s, const void *bytes, size_t len)
{
	const struct wanted want = {bytes, len};
	uint64_t hash = table_hash_bytes(bytes, len), at;
	struct value *v;

	if (table_find(&s->values, hash, same_value, NULL, &want, &at))
		return ((const struct value *)(uintptr_t)at)->bytes;
	v = store_alloc(s, sizeof(*v) + len + 1);
	if (!v || table_add(&s->values, hash, (uintptr_t)v) < 0)
		return NULL;
	v->len = len;
	memcpy(v->bytes, bytes, len);
	v->bytes[len] = 0;
	return v->bytes;
}

static int no_memory(const struct listing *l, struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, l->name, "cannot list");
}

int listing_init(struct listing *l, const char *name, struct err *e)
{
	*l = (struct listing){.name = name};
	l->store = calloc(1, sizeof(*l->store));
	return l->store ? 0 : no_memory(l, e);
}

void listing_free(struct listing *l)
{
	if (!l->store)
		return;
	while (l->store->chunks) {
		struct chunk *c = l->store->chunks;

		l->store->chunks = c->next;
		free(c);
	}
	table_free(&l->store->paths);
	table_free(&l->store->ids);
	table_free(&l->store->values);
	free(l->store);
	free(l->entries);
	*l = (struct listing){0};
}

/* A path as the kernel could give it: no empty component, no "." and no "..". */
static bool path_good(const char *path)
{
	size_t len = strlen(path);

	if (len > LISTING_PATH_MAX)
		return false;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 0 || n > 255 || (n == 1 && path[0] == '.') ||
			(n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

static bool same_path(const void *arg, uint64_t value, const void *key)
{
	const struct listing *l = arg;

	return strcmp(l->entries[value].path, key) == 0;
}

const struct listing_entry *listing_find(const struct listing *l, const char *path)
{
	uint64_t index;

	if (!table_find(&l->store->paths, table_hash(path), same_path, l, path, &index))
		return NULL;
	return &l->entries[index];
}

struct listing_inode *listing_by_id(const struct listing *l, uint64_t id)
{
	uint64_t value;

	if (!id || !table_find(&l->store->ids, id, NULL, NULL, NULL, &value))
		return NULL;
	return (struct listing_inode *)(uintptr_t)value;
}

int listing_link(
	struct listing *l, const char *path, struct listing_inode *inode, struct err *e)
{
	char *copy;

	if (!path_good(path))
		return err_set(e, ERR_INPUT,
			"%s: it holds a name that no filesystem could: %s", l->name,
			path);
	if (listing_find(l, path))
		return err_set(
			e, ERR_INPUT, "%s: it holds the name /%s twice", l->name, path);
	if (l->count >= LISTING_NAMES_MAX)
		return err_set(e, ERR_INPUT, "%s: it holds more than %u names", l->name,
			LISTING_NAMES_MAX);
	l->store->path_bytes += strlen(path) + 1;
	if (l->store->path_bytes > LISTING_PATHS_MAX)
		return err_set(e, ERR_INPUT,
			"%s: its paths are longer than %" PRIu64 " bytes together",
			l->name, LISTING_PATHS_MAX);
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 256;
		struct listing_entry *p = reallocarray(l->entries, room, sizeof(*p));

		if (!p)
			return no_memory(l, e);
		l->entries = p;
		l->room = room;
	}
	copy = store_copy(l->store, path, strlen(path));
	if (!copy || table_add(&l->store->paths, table_hash(path), l->count) < 0)
		return no_memory(l, e);
	l->entries[l->count++] = (struct listing_entry){copy, inode};
	inode->names++;
	if (l->on_name)
		l->on_name(l->on_name_arg);
	return 0;
}

int listing_add(struct listing *l, const char *path, uint64_t id,
	struct listing_inode **inode, struct err *e)
{
	struct listing_inode *in = listing_by_id(l, id);

	*inode = in;
	if (in)
		return listing_link(l, path, in, e) < 0 ? -1 : 1;
	in = store_alloc(l->store, sizeof(*in));
	if (!in)
		return no_memory(l, e);
	memset(in, 0, sizeof(*in));
	if (id && table_add(&l->store->ids, id, (uintptr_t)in) < 0)
		return no_memory(l, e);
	*inode = in;
	return listing_link(l, path, in, e);
}

int listing_set_target(struct listing *l, struct listing_inode *in, const char *target,
	size_t len, struct err *e)
{
	if (len > LISTING_TARGET_MAX || memchr(target, 0, len))
		return err_set(e, ERR_INPUT,
			"%s: it holds a symbolic link with a target that no link could "
			"have",
			l->name);
	in->target = store_copy(l->store, target, len);
	in->size = len;
	return in->target ? 0 : no_memory(l, e);
}

int listing_add_xattr(struct listing *l, struct listing_inode *in, const char *name,
	const void *value, size_t len, struct err *e)
{
	size_t at = 0, n = in->xattr_count;
	struct listing_xattr *grown;
	const char *copy, *copied_name;

	if (!*name || strlen(name) > 255 || len > LISTING_VALUE_MAX ||
		n >= LISTING_XATTRS_MAX)
		return err_set(e, ERR_INPUT,
			"%s: it holds attributes that no file could have", l->name);
	while (at < n && strcmp(in->xattrs[at].name, name) < 0)
		at++;
	if (at < n && strcmp(in->xattrs[at].name, name) == 0)
		return err_set(e, ERR_INPUT, "%s: it gives the attribute %s twice",
			l->name, name);
	/* Room for 1, 2, 4, 8 … attributes: grown when the count is a power of two. */
	grown = (struct listing_xattr *)(uintptr_t)in->xattrs;
	if ((n & (n - 1)) == 0) {
		grown = store_alloc(l->store, (n ? n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return no_memory(l, e);
		if (n)
			memcpy(grown, in->xattrs, n * sizeof(*grown));
	}
	copy = store_value(l->store, value, len);
	copied_name = store_value(l->store, name, strlen(name));
	if (!copy || !copied_name)
		return no_memory(l, e);
	memmove(grown + at + 1, grown + at, (n - at) * sizeof(*grown));
	grown[at] = (struct listing_xattr){copied_name, copy, len};
	in->xattrs = grown;
	in->xattr_count++;
	return 0;
}

bool listing_wants_content(
	const struct listing *l, const char *path, const struct listing_inode *in)
{
	const struct listing_entry *want;

	if (!S_ISREG(in->mode))
		return false;
	if (!l->expected)
		return true;
	want = listing_find(l->expected, path);
	if (want)
		return S_ISREG(want->inode->mode) && want->inode->size == in->size;
	/* It may be a further name of a file that is expected, and met first. */
	if (in->size > l->expected->store->file_bytes - l->store->spare_bytes)
		return false;
	l->store->spare_bytes += in->size;
	return true;
}

int listing_compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	/* '/' ends a component, and so comes before all other bytes but the end. */
	return (*a == '/'   ? 1
		       : *a ? (unsigned char)*a + 2
			    : 0) -
	       (*b == '/'   ? 1
		       : *b ? (unsigned char)*b + 2
			    : 0);
}

static int compare_entries(const void *a, const void *b)
{
	const struct listing_entry *x = a, *y = b;

	return listing_compare_paths(x->path, y->path);
}

static int check_parent(struct listing *l, const struct listing_entry *at, struct err *e)
{
	const char *slash = strrchr(at->path, '/');
	cleanup_free char *parent =
		strndup(at->path, slash ? (size_t)(slash - at->path) : 0);
	const struct listing_entry *dir;

	if (!parent)
		return no_memory(l, e);
	dir = listing_find(l, parent);
	if (!dir)
		return err_set(e, ERR_INPUT,
			"%s: it holds /%s and not the directory that it is in", l->name,
			at->path);
	if (!S_ISDIR(dir->inode->mode))
		return err_set(e, ERR_INPUT,
			"%s: it holds /%s below something that is no directory", l->name,
			at->path);
	return 0;
}

static void add_size(uint64_t *sum, uint64_t size)
{
	*sum = size > UINT64_MAX - *sum ? UINT64_MAX : *sum + size;
}

int listing_finish(struct listing *l, struct err *e)
{
	size_t i;

	if (!listing_find(l, ""))
		return err_set(e, ERR_INPUT, "%s: it holds no root directory", l->name);
	for (i = 0; i < l->count; i++) {
		if (!*l->entries[i].path) {
			if (S_ISDIR(l->entries[i].inode->mode))
				continue;
			return err_set(
				e, ERR_INPUT, "%s: its root is no directory", l->name);
		}
		if (S_ISDIR(l->entries[i].inode->mode) && l->entries[i].inode->names > 1)
			return err_set(e, ERR_INPUT,
				"%s: the directory /%s has two names", l->name,
				l->entries[i].path);
		if (check_parent(l, &l->entries[i], e) < 0)
			return -1;
	}
	qsort(l->entries, l->count, sizeof(*l->entries), compare_entries);
	table_clear(&l->store->paths);
	for (i = 0; i < l->count; i++) {
		if (table_add(&l->store->paths, table_hash(l->entries[i].path), i) < 0)
			return no_memory(l, e);
		if (l->entries[i].inode->first)
			continue;
		l->entries[i].inode->first = l->entries[i].path;
		if (S_ISREG(l->entries[i].inode->mode))
			add_size(&l->store->file_bytes, l->entries[i].inode->size);
	}
	return 0;
}

const struct listing_xattr *listing_xattr(
	const struct listing_inode *in, const char *name)
{
	for (size_t i = 0; i < in->xattr_count; i++)
		if (strcmp(in->xattrs[i].name, name) == 0)
			return &in->xattrs[i];
	return NULL;
}

const char *listing_label(const struct listing_inode *in, size_t *len)
{
	const struct listing_xattr *x = listing_xattr(in, XATTR_LABEL);

	if (!x)
		return NULL;
	*len = x->len;
	if (*len && ((const char *)x->value)[*len - 1] == 0)
		(*len)--;
	return x->value;
}
