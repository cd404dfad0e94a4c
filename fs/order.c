/* SPDX-License-Identifier: MIT */
#include "fs/order.h"

#include <string.h>

/* The first entry that is not before this name. */
static size_t position(const struct dir *d, const char *name)
{
	size_t low = 0, high = d->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(d->entries[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t order_behind(const struct node *n)
{
	return position(node_dir(n->parent), n->name) + 1;
}

struct node *order_next_loaded(struct node *dir)
{
	size_t from = 0;

	for (;;) {
		struct dir *d = node_dir(dir);

		for (size_t i = from; d && i < d->count; i++) {
			struct node *n = d->entries[i].node;

			if (S_ISDIR(n->mode) && node_dir(n))
				return n;
		}
		if (!dir->parent)
			return NULL;
		from = order_behind(dir);
		dir = dir->parent;
	}
}

/* Another name of the node may stand elsewhere; there it does not count. */
static bool has_its_name(const struct entry *entry, const struct node *dir)
{
	return entry->node->parent == dir && entry->name == entry->node->name;
}

struct node *order_next_file(struct node *n)
{
	struct node *dir = S_ISDIR(n->mode) ? n : n->parent;
	size_t from = 0;

	if (dir != n && node_dir(dir))
		from = order_behind(n);
	for (;;) {
		struct dir *d = node_dir(dir);
		struct node *down = NULL;

		if (!d)
			return NULL;
		for (size_t i = from; i < d->count && !down; i++) {
			n = d->entries[i].node;
			if (!has_its_name(&d->entries[i], dir))
				continue;
			if (S_ISREG(n->mode))
				return n;
			if (S_ISDIR(n->mode))
				down = n;
		}
		from = 0;
		if (down) {
			dir = down;
			continue;
		}
		if (!dir->parent)
			return NULL;
		from = order_behind(dir);
		dir = dir->parent;
	}
}

static size_t depth(const struct node *n)
{
	size_t count = 0;

	for (; n->parent; n = n->parent)
		count++;
	return count;
}

int order_compare(const struct node *a, const struct node *b)
{
	size_t deep_a = depth(a), deep_b = depth(b);
	int above = 0; /* what it is where one is above the other */

	if (a == b)
		return 0;
	for (; deep_a > deep_b; deep_a--, above = 1)
		a = a->parent;
	for (; deep_b > deep_a; deep_b--, above = -1)
		b = b->parent;
	if (a == b)
		return above;
	for (; a->parent != b->parent; a = a->parent)
		b = b->parent;
	return strcmp(a->name, b->name);
}
