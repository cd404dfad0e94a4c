// SPDX-License-Identifier: MIT
#include "tests/view/model.h"
#include "tests/view/random.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 12

/* Few, so that calls meet; L stands for a name of 255 bytes. */
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
	"l", "m", "n", "o", "p", "L", "two words", "new\nline", "\xff\xfe\x01", ".hidden",
	"-dash", "f\xc3\xbcr", "back\\slash", "x.livery", "\"quoted'"};

static void full_name(struct model *m, char *leaf)
{
	const char *name = random_pick(&m->random, names);

	if (strcmp(name, "L") == 0) {
		memset(leaf, 'L', 254);
		leaf[254] = (char)('0' + random_below(&m->random, 3));
		leaf[255] = '\0';
	} else {
		strcpy(leaf, name);
	}
}

void model_start(struct model *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->random = seed;
	m->nodes[NODE_ROOT] = (struct node){.used = true, .parent = -1, .type = S_IFDIR};
}

static int find(const struct model *m, int parent, const char *name)
{
	for (int i = 1; i < NODES_MAX; i++)
		if (m->nodes[i].used && m->nodes[i].parent == parent &&
			!strcmp(m->nodes[i].name, name))
			return i;
	return -1;
}

static int add(struct model *m, int parent, const char *name, mode_t type)
{
	int i = find(m, parent, name);

	for (int j = 1; i < 0 && j < NODES_MAX; j++)
		if (!m->nodes[j].used)
			i = j;
	if (i < 0)
		return -1;
	m->count += !m->nodes[i].used;
	m->nodes[i] =
		(struct node){.used = true, .parent = parent, .type = type & S_IFMT};
	snprintf(m->nodes[i].name, sizeof(m->nodes[i].name), "%s", name);
	return i;
}

static bool is_below(const struct model *m, int node, int ancestor)
{
	for (int n = 0; node >= 0 && n < NODES_MAX; n++, node = m->nodes[node].parent)
		if (node == ancestor)
			return true;
	return false;
}

static void drop(struct model *m, int node)
{
	if (node <= NODE_ROOT || !m->nodes[node].used)
		return;
	m->nodes[node].used = false;
	m->count--;
	for (int i = 0; i < SLOTS; i++)
		if (m->slots[i].node == node)
			m->slots[i].node = -1;
	for (int i = 1; i < NODES_MAX; i++)
		if (m->nodes[i].used && m->nodes[i].parent == node)
			drop(m, i);
}

static size_t unescape(char *to, const char *from, size_t len)
{
	char hex[3] = "";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (from[i] == '\\' && i + 3 < len && from[i + 1] == 'x') {
			memcpy(hex, from + i + 2, 2);
			to[n++] = (char)strtol(hex, NULL, 16);
			i += 3;
		} else {
			to[n++] = from[i];
		}
	}
	to[n] = '\0';
	return n;
}

/*
 * The node at a path. Paths of a scan come in the order of a walk, so a parent is known
 * before its children: with a type, the last name is added.
 */
static int look_up(struct model *m, char *path, mode_t type)
{
	int node, parent = NODE_ROOT;
	char *save = NULL;

	for (char *part = strtok_r(path, "/", &save); part;
		part = strtok_r(NULL, "/", &save)) {
		node = find(m, parent, part);
		if (node < 0)
			return type ? add(m, parent, part, type) : -1;
		parent = node;
	}
	return parent;
}

static void path_to(const struct model *m, int node, int from, char *out)
{
	int chain[64], n = 0;

	for (; node != from && node > NODE_ROOT && n < 64; node = m->nodes[node].parent)
		chain[n++] = node;
	*out = '\0';
	while (n--) {
		size_t len = strlen(out);

		if (len > 3600)
			return;
		snprintf(out + len, PATH_ROOM - len, "%s%s", m->nodes[chain[n]].name,
			n ? "/" : "");
	}
}

void model_learn(struct model *m, const char *text, size_t len)
{
	static char path[4 * PATH_ROOM], opened[SLOTS][PATH_ROOM];

	for (int i = 0; i < SLOTS; i++)
		path_to(m, m->slots[i].node, NODE_ROOT, opened[i]);
	for (int i = NODES_MAX - 1; i > NODE_ROOT; i--)
		m->nodes[i].used = false;
	m->count = 0;
	for (const char *end = text + len; text < end;) {
		const char *line = memchr(text, '\n', (size_t)(end - text));
		const char *tab = memchr(text, '\t', (size_t)(end - text));

		if (!line || !tab || tab > line || (size_t)(tab - text) >= sizeof(path))
			return;
		unescape(path, text, (size_t)(tab - text));
		/* "./a/b", or "." for the root. */
		look_up(m, path + 1, (mode_t)strtoul(tab + 1, NULL, 8));
		text = line + 1;
	}
	for (int i = 0; i < SLOTS; i++)
		if (m->slots[i].node >= 0)
			m->slots[i].node = look_up(m, opened[i], 0);
}

static void note_open(struct model *m, const struct op *op)
{
	struct picked *p = &m->picked[0];
	struct open_file *slot = &m->slots[op->slot];

	if (p->node < 0 && p->parent >= 0 && (op->flags & O_CREAT) &&
		(op->flags & O_TMPFILE) != O_TMPFILE)
		p->node = add(m, p->parent, p->leaf, S_IFREG);
	slot->open = true;
	slot->node = p->node;
	slot->flags = op->flags;
	slot->type = p->node >= 0 ? m->nodes[p->node].type : S_IFREG;
	if ((op->flags & O_TMPFILE) == O_TMPFILE)
		slot->type = S_IFREG;
}

static void note_rename(struct model *m, const struct op *op)
{
	int from = m->picked[0].node, to = m->picked[1].node,
	    parent = m->picked[1].parent;
	struct node was;

	if (from < 0 || from == to || (to < 0 && parent < 0))
		return;
	if (op->flags & RENAME_EXCHANGE) {
		if (to < 0)
			return;
		was = m->nodes[from];
		m->nodes[from].parent = m->nodes[to].parent;
		memcpy(m->nodes[from].name, m->nodes[to].name, sizeof(was.name));
		m->nodes[to].parent = was.parent;
		memcpy(m->nodes[to].name, was.name, sizeof(was.name));
		return;
	}
	drop(m, to);
	if (is_below(m, parent, from))
		return;
	was = m->nodes[from];
	memcpy(m->nodes[from].name, m->picked[1].leaf, sizeof(m->nodes[from].name));
	m->nodes[from].parent = parent;
	if (op->flags & RENAME_WHITEOUT)
		add(m, was.parent, was.name, S_IFCHR);
}

void model_note(struct model *m, const struct op *op)
{
	const struct picked *p = &m->picked[0];

	switch (op->kind) {
	case OP_OPEN:
		note_open(m, op);
		break;
	case OP_CLOSE:
		if (op->slot >= 0)
			m->slots[op->slot].open = false;
		break;
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
	case OP_LINK_SLOT:
		if (p->node < 0 && p->parent >= 0)
			add(m, p->parent, p->leaf,
				op->kind == OP_MKDIR     ? S_IFDIR
				: op->kind == OP_SYMLINK ? S_IFLNK
				: op->kind == OP_MKNOD   ? op->mode
							 : S_IFREG);
		break;
	case OP_LINK:
		if (p->node >= 0 && m->picked[1].node < 0 && m->picked[1].parent >= 0)
			add(m, m->picked[1].parent, m->picked[1].leaf,
				m->nodes[p->node].type);
		break;
	case OP_RMDIR:
	case OP_UNLINK:
		drop(m, p->node);
		break;
	case OP_RENAME:
		note_rename(m, op);
		break;
	default:
		break;
	}
}

int pick_slot(struct model *m, unsigned types)
{
	int start = (int)random_below(&m->random, SLOTS);

	if (random_chance(&m->random, 8))
		return start;
	for (int i = 0; i < SLOTS; i++) {
		int slot = (start + i) % SLOTS;

		if (m->slots[slot].open && (types & TYPE(m->slots[slot].type)))
			return slot;
	}
	return start;
}

static int any_node(struct model *m, unsigned types, bool root_too)
{
	for (int i = 0; i < NODES_MAX * 4; i++) {
		int n = (int)random_below(&m->random, NODES_MAX);

		if (m->nodes[n].used && (n || root_too) &&
			(types & TYPE(m->nodes[n].type)))
			return n;
	}
	return -1;
}

static int depth(const struct model *m, int node)
{
	int d = 0;

	while (node > NODE_ROOT && d < NODES_MAX) {
		node = m->nodes[node].parent;
		d++;
	}
	return d;
}

static void put_path(struct model *m, struct op *op, int which, int parent,
	const char *leaf, bool free_form)
{
	static char above[PATH_ROOM];
	char *out = which ? op->path2 : op->path;
	int *dir = which ? &op->dir2 : &op->dir;
	int from = NODE_ROOT;
	const char *front = "";

	*dir = -1;
	*(which ? &op->has_path2 : &op->has_path) = true;
	for (int i = 0; free_form && i < SLOTS && random_chance(&m->random, 85); i++) {
		const struct open_file *s = &m->slots[i];

		if (s->open && s->type == S_IFDIR && s->node >= 0 &&
			is_below(m, parent, s->node)) {
			*dir = i;
			from = s->node;
			break;
		}
	}
	path_to(m, parent, from, above);
	if (random_chance(&m->random, 4))
		front = *dir < 0 ? "/" : "./";
	else if (random_chance(&m->random, 2))
		front = ".//./";
	snprintf(out, PATH_ROOM, "%s%.4000s%s%.300s", front, above,
		*above && *leaf ? "/" : "", leaf);
	if (!*out)
		strcpy(out, ".");
}

void pick_existing(
	struct model *m, struct op *op, int which, unsigned types, bool free_form)
{
	int node = any_node(m, types, random_chance(&m->random, 5));

	if (node < 0) {
		pick_new(m, op, which, free_form);
		return;
	}
	m->picked[which] = (struct picked){.node = node, .parent = m->nodes[node].parent};
	memcpy(m->picked[which].leaf, m->nodes[node].name, sizeof(m->nodes[node].name));
	if (node == NODE_ROOT)
		put_path(m, op, which, NODE_ROOT, ".", free_form);
	else
		put_path(m, op, which, m->nodes[node].parent, m->nodes[node].name,
			free_form);
}

void pick_new(struct model *m, struct op *op, int which, bool free_form)
{
	struct picked *p = &m->picked[which];

	for (int tries = 0; tries < 20; tries++) {
		p->parent = any_node(m, TYPE(S_IFDIR), true);
		full_name(m, p->leaf);
		if (p->parent >= 0 && depth(m, p->parent) < DEPTH_MAX &&
			find(m, p->parent, p->leaf) < 0)
			break;
	}
	if (p->parent < 0)
		p->parent = NODE_ROOT;
	p->node = find(m, p->parent, p->leaf);
	put_path(m, op, which, p->parent, p->leaf, free_form);
}

/* Paths that are odd in one way or another. */
static void pick_odd(struct model *m, struct op *op, int which, unsigned types)
{
	char *out = which ? op->path2 : op->path;
	char leaf[260];

	switch (random_below(&m->random, 9)) {
	case 0: /* below what is no directory, or a link to one */
		pick_existing(m, op, which, TYPES_FILE, true);
		strcat(out, "/a");
		break;
	case 1: /* below a directory that is missing */
		pick_new(m, op, which, true);
		strcat(out, "/b");
		break;
	case 2:
		pick_existing(m, op, which, types, true);
		strcat(out, "/");
		break;
	case 3:
		pick_existing(m, op, which, TYPES_ALL, true);
		strcat(out, random_chance(&m->random, 50) ? "/." : "/..");
		break;
	case 4:
		pick_new(m, op, which, true);
		strcat(out, "/");
		break;
	case 5: /* a name that is too long by one */
		memset(leaf, 'L', 256);
		leaf[256] = '\0';
		put_path(m, op, which, any_node(m, TYPE(S_IFDIR), true), leaf, true);
		break;
	case 6: /* a path that is too long, or only just not */
		pick_existing(m, op, which, types, false);
		memset(out, '/', PATH_ROOM - 1);
		strcpy(out + 4095 - random_below(&m->random, 2), "");
		break;
	case 7:
		*(which ? &op->has_path2 : &op->has_path) = true;
		*(which ? &op->dir2 : &op->dir) = -1;
		strcpy(out, "");
		break;
	default: /* through a link to a directory */
		pick_existing(m, op, which, TYPE(S_IFLNK), true);
		strcat(out, "/");
		full_name(m, leaf);
		strcat(out, leaf);
	}
	m->picked[which] = (struct picked){.node = -1, .parent = -1};
}

void pick_path(struct model *m, struct op *op, int which, unsigned types,
	unsigned percent, bool free_form)
{
	unsigned dice = random_below(&m->random, 100);

	if (dice < percent)
		pick_existing(m, op, which, types, free_form);
	else if (dice < percent + (100 - percent) / 4)
		pick_existing(m, op, which, TYPES_ALL, free_form);
	else if (dice < percent + (100 - percent) / 2)
		pick_new(m, op, which, free_form);
	else
		pick_odd(m, op, which, types);
	if (!free_form) {
		int *dir = which ? &op->dir2 : &op->dir;

		if (*dir >= 0)
			*dir = -1; /* the call has no directory to start from */
	}
}
