/* SPDX-License-Identifier: MIT */
/* What to do next: something like a build, at random but for a seed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "tests/view/killed.h"

#define NAMES      14  /* in a directory */
#define MANY       170 /* inodes: from there on more is removed than made */
#define MAX_LEVELS 5

enum want {
	ANY,
	FILE_PLAIN, /* a regular file without setuid and setgid, which calls would drop */
	DIRECTORY,
	PARENT, /* a directory, not too deep, or the root */
	LEAF,
	OWNABLE, /* what chown changes nothing else of */
	NO_LINK,
	XATTRS
};

struct pick {
	struct random *r;
	enum want want;
	const char *prefix;
	uint64_t seen;
	char path[MAX_PATH];
	struct node *node;
	char at[MAX_PATH];
};

static bool wanted(const struct node *n, enum want want, unsigned int level)
{
	bool plain = S_ISREG(n->mode) && !(n->mode & 06000);

	switch (want) {
	case FILE_PLAIN:
		return plain;
	case DIRECTORY:
		return S_ISDIR(n->mode);
	case PARENT:
		return S_ISDIR(n->mode) && level < MAX_LEVELS;
	case LEAF:
		return !S_ISDIR(n->mode) || n->count == 0;
	case OWNABLE:
		return S_ISDIR(n->mode) || !(n->mode & 06000);
	case NO_LINK:
		return !S_ISLNK(n->mode);
	case XATTRS:
		return S_ISREG(n->mode) || S_ISDIR(n->mode);
	default:
		return true;
	}
}

static void consider(struct pick *p, struct node *n)
{
	if (rnd(p->r, ++p->seen) == 0) {
		snprintf(p->path, sizeof(p->path), "%s", p->at);
		p->node = n;
	}
}

static void walk(struct pick *p, struct node *dir, size_t len, unsigned int level)
{
	for (size_t i = 0; i < dir->count; i++) {
		const struct entry *e = &dir->entries[i];
		int n = snprintf(p->at + len, sizeof(p->at) - len, "%s%s", len ? "/" : "",
			e->name);

		if (n < 0 || len + (size_t)n >= sizeof(p->at))
			die("a path is too long: %s", p->at);
		if (wanted(e->node, p->want, level))
			consider(p, e->node);
		if (S_ISDIR(e->node->mode))
			walk(p, e->node, len + (size_t)n, level + 1);
	}
}

/* The node, and its path in `path`; NULL where there is none such. */
static struct node *pick(
	struct chooser *c, const struct model *m, enum want want, char *path)
{
	struct pick p = {.r = &c->random, .want = want};

	if (want == PARENT) {
		strcpy(p.at, ".");
		consider(&p, m->root);
	}
	walk(&p, m->root, 0, 1);
	if (p.node)
		memcpy(path, p.path, sizeof(p.path));
	return p.node;
}

static void join(const struct chooser *c, const char *dir, const char *name, char *path)
{
	char tmp[2 * MAX_PATH];
	bool top = strcmp(dir, ".") == 0;

	snprintf(tmp, sizeof(tmp), "%s%s%s", top ? c->prefix : dir, top ? "" : "/", name);
	if (strlen(tmp) >= MAX_PATH)
		die("a path is too long: %s", tmp);
	strcpy(path, tmp);
}

static void new_path(struct chooser *c, const struct model *m, char *path)
{
	static const char *const shapes[] = {
		"f%llu", "lib%llu.so", "\303\251%llu", "%llu~"};
	char dir[MAX_PATH], name[64];
	unsigned long long n = rnd(&c->random, NAMES);

	pick(c, m, PARENT, dir);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(name, sizeof(name), shapes[n % 4], n);
#pragma GCC diagnostic pop
	join(c, dir, name, path);
}

static uint64_t owner(struct random *r)
{
	static const uint32_t ids[] = {0, 0, 1, 33, 1000, 65534, 100000, 4000000000U};

	return ids[rnd(r, sizeof(ids) / sizeof(ids[0]))];
}

static uint64_t file_mode(struct random *r)
{
	static const mode_t modes[] = {0644, 0755, 0600, 0400, 04755, 02755, 06711, 0};

	return modes[rnd(r, sizeof(modes) / sizeof(modes[0]))];
}

static uint64_t dir_mode(struct random *r)
{
	static const mode_t modes[] = {0755, 0755, 0700, 02775, 0555};

	return modes[rnd(r, sizeof(modes) / sizeof(modes[0]))];
}

static uint64_t length(struct random *r)
{
	return 1 + (rnd(r, 8) ? rnd(r, 6000) : rnd(r, 50000));
}

static struct op *queue(struct chooser *c, enum kind kind, const char *a)
{
	struct op *op = &c->queue[c->first + c->count++];

	memset(op, 0, sizeof(*op));
	op->kind = kind;
	snprintf(op->a, sizeof(op->a), "%s", a);
	return op;
}

static void queue_write(struct chooser *c, uint64_t at, uint64_t len)
{
	struct op *op = queue(c, OP_HELD_WRITE, "-");

	op->n[0] = at;
	op->n[1] = len;
	op->n[2] = rnd(&c->random, UINT32_MAX);
}

/* The directories above a path, up to the root. */
static void queue_sync_above(struct chooser *c, const char *path)
{
	char above[MAX_PATH];
	char *slash;

	snprintf(above, sizeof(above), "%s", path);
	while ((slash = strrchr(above, '/'))) {
		*slash = '\0';
		queue(c, OP_FSYNC, above);
	}
	queue(c, OP_FSYNC, ".");
}

/* As install(1) and package managers do: a temporary file that gets its name last. */
static void install(struct chooser *c, const struct model *m)
{
	char dir[MAX_PATH], name[64], tmp[MAX_PATH], path[MAX_PATH];
	uint64_t len = length(&c->random), mode = file_mode(&c->random);
	struct op *op;

	new_path(c, m, path);
	snprintf(dir, sizeof(dir), "%s", path);
	if (strrchr(dir, '/'))
		*strrchr(dir, '/') = '\0';
	else
		strcpy(dir, ".");
	snprintf(name, sizeof(name), ".tmp%u", c->serial++);
	join(c, dir, name, tmp);
	c->first = c->count = 0;
	queue(c, OP_CREATE, tmp)->n[0] = 0600;
	queue_write(c, 0, len);
	queue_write(c, len, length(&c->random));
	op = queue(c, OP_HELD_CHOWN, "-");
	op->n[0] = owner(&c->random);
	op->n[1] = owner(&c->random);
	queue(c, OP_HELD_CHMOD, "-")->n[0] = mode;
	op = queue(c, OP_TIMES, tmp);
	op->n[0] = rnd(&c->random, 1ULL << 32);
	op->n[1] = rnd(&c->random, 1000000000);
	if (c->sync)
		queue(c, OP_HELD_FSYNC, "-");
	op = queue(c, OP_RENAME, tmp);
	snprintf(op->b, sizeof(op->b), "%s", path);
	if (c->sync)
		queue_sync_above(c, path);
}

static bool choose_write(struct chooser *c, const struct model *m, struct op *op)
{
	const struct node *n = pick(c, m, FILE_PLAIN, op->a);
	struct random *r = &c->random;

	if (!n)
		return false;
	op->kind = (enum kind)(OP_WRITE + rnd(r, 4));
	op->n[0] = rnd(r, n->size + 5000);
	op->n[1] = length(r);
	op->n[2] = rnd(r, UINT32_MAX);
	if (op->kind == OP_MAP && n->size < 2)
		op->kind = OP_WRITE;
	if (op->kind == OP_MAP) {
		uint64_t room;

		op->n[0] = rnd(r, n->size - 1);
		room = 4096 - op->n[0] % 4096;
		if (room > n->size - op->n[0])
			room = n->size - op->n[0];
		op->n[1] = 1 + rnd(r, room);
	}
	if ((op->kind == OP_APPEND ? n->size : op->n[0]) + op->n[1] > MAX_FILE)
		op->kind = OP_TRUNCATE;
	if (op->kind == OP_TRUNCATE)
		op->n[0] = rnd(r, 2) ? rnd(r, 10000) : 0;
	return true;
}

static bool choose_held(struct chooser *c, const struct model *m, struct op *op)
{
	struct random *r = &c->random;

	if (!m->held || m->held->mode & 06000)
		return false;
	op->kind = (enum kind)(OP_HELD_WRITE + rnd(r, 4));
	strcpy(op->a, "-");
	switch (op->kind) {
	case OP_HELD_WRITE:
		op->n[0] = rnd(r, 20000);
		op->n[1] = length(r);
		op->n[2] = rnd(r, UINT32_MAX);
		break;
	case OP_HELD_CHMOD:
		op->n[0] = file_mode(r);
		break;
	case OP_HELD_CHOWN:
		op->n[0] = owner(r);
		op->n[1] = owner(r);
		break;
	default:
		op->n[0] = rnd(r, 10000);
	}
	return true;
}

static bool choose_attr(struct chooser *c, const struct model *m, struct op *op)
{
	struct random *r = &c->random;
	const struct node *n;

	op->kind = (enum kind)(OP_CHMOD + rnd(r, 3));
	switch (op->kind) {
	case OP_CHMOD:
		n = pick(c, m, NO_LINK, op->a);
		op->n[0] = n && S_ISDIR(n->mode) ? dir_mode(r) : file_mode(r);
		return n;
	case OP_CHOWN:
		op->n[0] = owner(r);
		op->n[1] = owner(r);
		return pick(c, m, OWNABLE, op->a);
	default:
		op->n[0] = rnd(r, 1ULL << 32);
		op->n[1] = rnd(r, 1000000000);
		return pick(c, m, ANY, op->a);
	}
}

static bool choose_xattr(struct chooser *c, const struct model *m, struct op *op)
{
	struct random *r = &c->random;

	op->kind = rnd(r, 4) ? OP_SETXATTR : OP_RMXATTR;
	snprintf(op->b, sizeof(op->b), "user.a%u", (unsigned int)rnd(r, MAX_XATTRS));
	op->n[1] = rnd(r, 200);
	op->n[2] = rnd(r, UINT32_MAX);
	return pick(c, m, XATTRS, op->a);
}

static bool choose_new(struct chooser *c, const struct model *m, struct op *op)
{
	static const enum kind kinds[] = {OP_CREATE, OP_CREATE, OP_CREATE, OP_MKDIR,
		OP_MKDIR, OP_SYMLINK, OP_MKNOD};
	struct random *r = &c->random;

	op->kind = kinds[rnd(r, sizeof(kinds) / sizeof(kinds[0]))];
	new_path(c, m, op->a);
	op->n[0] = rnd(r, 2) ? 0666 : 0777;
	if (op->kind == OP_MKNOD)
		op->n[0] |= rnd(r, 2) ? S_IFIFO : S_IFSOCK;
	if (op->kind == OP_SYMLINK)
		snprintf(op->b, sizeof(op->b), "../target%u", c->serial++);
	return true;
}

static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static bool choose_rename(struct chooser *c, const struct model *m, struct op *op)
{
	static const uint64_t flags[] = {
		0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT};
	struct random *r = &c->random;

	op->kind = OP_RENAME;
	op->n[0] = flags[rnd(r, sizeof(flags) / sizeof(flags[0]))];
	if (!pick(c, m, rnd(r, 3) ? ANY : DIRECTORY, op->a))
		return false;
	if (op->n[0] == RENAME_EXCHANGE || rnd(r, 3) == 0)
		pick(c, m, ANY, op->b);
	else
		new_path(c, m, op->b);
	return !below(op->a, op->b) && !below(op->b, op->a);
}

static bool choose_removal(struct chooser *c, const struct model *m, struct op *op)
{
	const struct node *n = pick(c, m, rnd(&c->random, 20) ? LEAF : ANY, op->a);

	op->kind = n && S_ISDIR(n->mode) ? OP_RMDIR : OP_UNLINK;
	return n;
}

static bool choose_sync(struct chooser *c, const struct model *m, struct op *op)
{
	op->kind = rnd(&c->random, 20) ? OP_FSYNC : OP_SYNCFS;
	if (op->kind == OP_SYNCFS)
		return strcpy(op->a, "-");
	return pick(c, m, rnd(&c->random, 2) ? FILE_PLAIN : DIRECTORY, op->a);
}

static bool choose_one(struct chooser *c, const struct model *m, struct op *op)
{
	uint64_t n = rnd(&c->random, 100);

	memset(op, 0, sizeof(*op));
	if (m->nodes > MANY - rnd(&c->random, 40))
		return choose_removal(c, m, op);
	if (c->sync && n < 8)
		return choose_sync(c, m, op);
	if (n < 30)
		return choose_new(c, m, op);
	if (n < 45)
		return choose_write(c, m, op);
	if (n < 50)
		return choose_held(c, m, op);
	if (n < 60)
		return choose_attr(c, m, op);
	if (n < 65)
		return choose_xattr(c, m, op);
	if (n < 80)
		return choose_rename(c, m, op);
	if (n < 92)
		return choose_removal(c, m, op);
	if (n < 96) {
		/* Others the kernel would refuse to those who do not own the file. */
		op->kind = OP_LINK;
		new_path(c, m, op->b);
		return pick(c, m, FILE_PLAIN, op->a);
	}
	install(c, m);
	return false;
}

void choose(struct chooser *c, const struct model *m, struct op *op)
{
	while (c->count == 0)
		if (choose_one(c, m, op))
			return;
	*op = c->queue[c->first++];
	c->count--;
}
