/* SPDX-License-Identifier: MIT */
/*
 * Nodes that may have several names. With a record, the record says which names belong
 * together; without one, the staging file's inode number does.
 */
#include <stdlib.h>

#include "fs/node.h"

static size_t bucket(const struct engine *en, int64_t record, uint64_t ino)
{
	uint64_t key = record ? (uint64_t)record : ~ino;

	return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (en->link_buckets - 1);
}

struct node *links_find(
	struct engine *en, int64_t record, uint64_t dev, uint64_t ino, bool *split)
{
	struct node *n;

	*split = false;
	if (!en->link_buckets)
		return NULL;
	for (n = en->links[bucket(en, record, ino)]; n; n = n->next_link) {
		if (n->link_record != record)
			continue;
		if (n->seen.dev == dev && n->seen.ino == ino)
			return n;
		*split = *split || record;
	}
	return NULL;
}

static int grow(struct engine *en)
{
	size_t old_count = en->link_buckets;
	struct node **old = en->links;
	struct node **table;

	en->link_buckets = old_count ? old_count * 4 : 256;
	table = calloc(en->link_buckets, sizeof(*table));
	if (!table) {
		en->link_buckets = old_count;
		return -1;
	}
	en->links = table;
	for (size_t i = 0; i < old_count; i++) {
		struct node *next;

		for (struct node *n = old[i]; n; n = next) {
			size_t b = bucket(en, n->link_record, n->seen.ino);

			next = n->next_link;
			n->next_link = table[b];
			table[b] = n;
		}
	}
	free(old);
	return 0;
}

int links_add(struct engine *en, struct node *n)
{
	size_t b;

	if (en->link_count >= en->link_buckets && grow(en) < 0)
		return -1;
	n->link_record = n->record;
	b = bucket(en, n->link_record, n->seen.ino);
	n->next_link = en->links[b];
	en->links[b] = n;
	en->link_count++;
	return 0;
}

void links_drop(struct engine *en, const struct node *dir)
{
	for (size_t i = 0; i < en->link_buckets; i++)
		for (struct node **p = &en->links[i]; *p;) {
			if ((*p)->parent == dir) {
				*p = (*p)->next_link;
				en->link_count--;
			} else {
				p = &(*p)->next_link;
			}
		}
}
