/* SPDX-License-Identifier: MIT */
#include "tools/labels/links.h"

#include <stdlib.h>
#include <string.h>

struct label_links {
	struct edit_links *links;
	struct label_link *items; /* by node, once they are settled; names until then */
	size_t count, room;
};

struct label_links *label_links_new(void)
{
	struct label_links *l = calloc(1, sizeof(*l));

	if (l)
		l->links = edit_links_new();
	if (l && !l->links) {
		free(l);
		return NULL;
	}
	return l;
}

static void item_free(struct label_link *i)
{
	free(i->path);
	free(i->left);
}

void label_links_free(struct label_links *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		item_free(&l->items[i]);
	free(l->items);
	edit_links_free(l->links);
	free(l);
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

int label_links_note(
	struct label_links *l, const struct walk_step *s, bool left, struct err *e)
{
	struct label_link *i;

	if (!engine_host_linked(s->node))
		return 0;
	if (edit_links_note(l->links, s, e) < 0)
		return -1;
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;

		i = reallocarray(l->items, room, sizeof(*i));
		if (!i)
			return no_memory(e);
		l->items = i;
		l->room = room;
	}
	i = &l->items[l->count++];
	*i = (struct label_link){
		.node = s->node,
		.path = strdup(s->path),
		.left = left ? strdup(s->path) : NULL,
		.adopt = !edit_recorded(s),
	};
	return i->path && (i->left || !left) ? 0 : no_memory(e);
}

/* By file, and for one file by path: the bytewise first comes first. */
static int by_node(const void *a, const void *b)
{
	const struct label_link *x = a, *y = b;

	if (x->node != y->node)
		return (uintptr_t)x->node < (uintptr_t)y->node ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* One entry a file is kept: its first path, and what its other names say. */
void label_links_settle(struct label_links *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct node *n = edit_links_node(l->links, l->items[i].node);

		l->items[i].adopt |= n != l->items[i].node;
		l->items[i].node = n;
	}
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), by_node);
	for (size_t i = 0; i < l->count; i++) {
		struct label_link *first = kept ? &l->items[kept - 1] : NULL;
		struct label_link *name = &l->items[i];

		if (!first || first->node != name->node) {
			l->items[kept++] = *name;
			continue;
		}
		first->adopt |= name->adopt;
		if (!first->left) {
			first->left = name->left;
			name->left = NULL;
		}
		item_free(name);
	}
	l->count = kept;
}

struct label_link *label_links_find(struct label_links *l, struct node *n)
{
	size_t low = 0, high = l->count;

	if (!engine_host_linked(n))
		return NULL;
	n = edit_links_node(l->links, n);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((uintptr_t)l->items[mid].node < (uintptr_t)n)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count && l->items[low].node == n ? &l->items[low] : NULL;
}

int label_links_adopt(struct label_links *l, struct engine *en, const struct walk_step *s,
	struct err *e)
{
	int64_t id;

	return edit_links_adopt(l->links, en, s, &id, e);
}
