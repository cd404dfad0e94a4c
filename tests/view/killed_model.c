/* SPDX-License-Identifier: MIT */
/* The model: inodes, names that lead to them, what an operation does to both. */
#include "tests/view/killed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

void *need(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

uint64_t rnd(struct random *r, uint64_t below)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (r->state * 0x2545f4914f6cdd1dULL >> 11) % below;
}

void fill(unsigned char *to, size_t len, uint64_t seed)
{
	struct random r = {seed * 2 + 1};

	for (size_t i = 0; i < len; i++)
		to[i] = (unsigned char)rnd(&r, 256);
}

struct node *node_new(struct model *m, mode_t mode, const struct node *dir)
{
	struct node *n = need(calloc(1, sizeof(*n)));

	n->mode = mode;
	if (dir && dir->mode & S_ISGID) {
		n->gid = dir->gid;
		if (S_ISDIR(mode))
			n->mode |= S_ISGID;
	}
	n->at.content = n->at.meta = n->at.xattrs = m->now;
	n->next = m->all;
	m->all = n;
	return n;
}

void model_init(struct model *m, const char *prefix)
{
	memset(m, 0, sizeof(*m));
	m->prefix = prefix;
	m->root = node_new(m, S_IFDIR | 0755, NULL);
	m->root->nlink = 1;
}

static void node_free(struct node *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->entries[i].name);
	for (size_t i = 0; i < n->former_count; i++)
		free(n->formers[i].name);
	for (size_t i = 0; i < n->xattr_count; i++) {
		free(n->xattrs[i].name);
		free(n->xattrs[i].value);
	}
	free(n->entries);
	free(n->formers);
	free(n->data);
	free(n->target);
	free(n);
}

void model_free(struct model *m)
{
	for (struct node *n = m->all, *next; n; n = next) {
		next = n->next;
		node_free(n);
	}
	memset(m, 0, sizeof(*m));
}

struct entry *node_entry(const struct node *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++)
		if (strcmp(dir->entries[i].name, name) == 0)
			return &dir->entries[i];
	return NULL;
}

/* The directory that a path lies in, and its last component. */
int node_at(const struct model *m, const char *path, struct node **dir, const char **name)
{
	char part[MAX_PATH];
	struct node *at = m->root;

	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
		struct entry *e;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		e = node_entry(at, part);
		if (!e)
			return ENOENT;
		if (!S_ISDIR(e->node->mode))
			return ENOTDIR;
		at = e->node;
	}
	*dir = at;
	*name = path;
	return 0;
}

struct node *model_find(const struct model *m, const char *path)
{
	struct node *dir;
	const char *name;
	struct entry *e;

	if (strcmp(path, ".") == 0)
		return m->root;
	if (node_at(m, path, &dir, &name) != 0)
		return NULL;
	e = node_entry(dir, name);
	return e ? e->node : NULL;
}

void node_add(struct model *m, struct node *dir, const char *name, struct node *n)
{
	dir->entries = need(
		array_grow(dir->entries, dir->count, &dir->room, sizeof(*dir->entries)));
	dir->entries[dir->count++] =
		(struct entry){.name = need(strdup(name)), .node = n, .at = m->now};
	dir->mtime_known = false;
	if (n->nlink++ == 0)
		m->nodes++;
}

void node_remove(struct model *m, struct node *dir, const char *name)
{
	struct entry *e = node_entry(dir, name);
	struct node *n = e->node;

	dir->formers = need(array_grow(dir->formers, dir->former_count, &dir->former_room,
		sizeof(*dir->formers)));
	dir->formers[dir->former_count++] =
		(struct former){.name = e->name, .at = m->now};
	*e = dir->entries[--dir->count];
	dir->mtime_known = false;
	if (--n->nlink == 0) {
		m->nodes--;
		if (n != m->held) {
			free(n->data);
			n->data = NULL;
			n->size = 0;
		}
	}
}

int model_apply(struct model *m, const struct op *op)
{
	int rc;

	m->now++;
	switch (op->kind) {
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_RMDIR:
	case OP_UNLINK:
	case OP_SYMLINK:
	case OP_LINK:
	case OP_RENAME:
		rc = apply_names(m, op);
		break;
	default:
		rc = apply_attrs(m, op);
	}
	return rc;
}

int model_apply_part(struct model *m, const struct op *op, size_t len)
{
	struct op part = *op;

	/* Bytes derive from the seed one after another: fewer of them are a prefix. */
	part.n[1] = len;
	return len ? model_apply(m, &part) : 0;
}
