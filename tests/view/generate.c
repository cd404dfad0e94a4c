// SPDX-License-Identifier: MIT
#include "tests/view/generate.h"
#include "tests/view/random.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Above this many names, what removes is likelier than what makes. */
#define NAMES_MANY 140

static off_t random_offset(struct model *m)
{
	static const off_t rare[] = {-1, INT64_MIN, INT64_MAX, (off_t)1 << 60, FILE_MAX};

	if (random_chance(&m->random, 2))
		return random_pick(&m->random, rare);
	if (random_chance(&m->random, 40))
		return 4096 * (off_t)random_below(&m->random, 16);
	return random_below(
		&m->random, random_chance(&m->random, 70) ? 9000 : FILE_MAX / 2);
}

static size_t random_length(struct model *m)
{
	if (random_chance(&m->random, 10))
		return 4096 * (size_t)random_below(&m->random, IO_MAX / 4096 + 1);
	return random_below(&m->random, random_chance(&m->random, 70) ? 600 : IO_MAX);
}

static void generate_open(struct model *m, struct op *op)
{
	static const int extra[] = {
		O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW, O_DIRECTORY, O_PATH, O_SYNC};

	op->slot = (int)random_below(&m->random, SLOTS);
	op->flags =
		random_pick(&m->random, ((int[]){O_RDONLY, O_WRONLY, O_RDWR, O_RDWR}));
	if (random_chance(&m->random, 45))
		op->flags |= O_CREAT;
	for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
		if (random_chance(&m->random, 12))
			op->flags |= extra[i];
	op->mode = random_mode(m);
	if (random_chance(&m->random, 20)) {
		op->flags = O_RDONLY | (random_chance(&m->random, 60) ? O_DIRECTORY : 0) |
			    (random_chance(&m->random, 20) ? O_PATH : 0);
		op->mode = 0;
		pick_path(m, op, 0, TYPE(S_IFDIR), 90, true);
	} else if (random_chance(&m->random, 5)) {
		op->flags = O_TMPFILE | O_RDWR;
		pick_path(m, op, 0, TYPE(S_IFDIR), 90, true);
	} else if ((op->flags & O_CREAT) && random_chance(&m->random, 60)) {
		pick_new(m, op, 0, true);
	} else {
		pick_path(m, op, 0, TYPE(S_IFREG), 80, true);
		if (!(op->flags & (O_CREAT | O_TRUNC)) && random_chance(&m->random, 3))
			op->flags |= O_NOATIME;
	}
}

static void generate_slot(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPES_ALL);
}

static void generate_io(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPE(S_IFREG));
	op->len = random_length(m);
	if (op->kind == OP_WRITE && random_chance(&m->random, 5))
		op->len = 0;
	if (op->kind != OP_READ && op->kind != OP_WRITE)
		op->off = random_offset(m);
	if (op->off < 0 && (op->kind == OP_MAP_READ || op->kind == OP_MAP_WRITE))
		op->off = 0;
	op->seed = random_next(&m->random);
	if (op->kind == OP_MAP_WRITE)
		op->flags = random_chance(&m->random, 50); /* msync */
	if (op->kind == OP_MAP_READ || op->kind == OP_MAP_WRITE)
		op->len += !op->len;
}

static void generate_truncate(struct model *m, struct op *op)
{
	op->off = random_offset(m);
	if (op->kind == OP_TRUNCATE)
		pick_path(m, op, 0, TYPE(S_IFREG), 88, false);
	else
		op->slot = pick_slot(m, TYPE(S_IFREG));
}

static void generate_fallocate(struct model *m, struct op *op)
{
	static const int modes[] = {0, 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE};

	op->slot = pick_slot(m, TYPE(S_IFREG));
	op->flags = random_pick(&m->random, modes);
	op->off = random_offset(m);
	op->len = random_length(m);
	if (op->flags & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
		op->off = op->off & ~(off_t)4095;
		op->len = 4096;
	}
}

static void generate_seek(struct model *m, struct op *op)
{
	static const int ways[] = {
		SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, SEEK_DATA, SEEK_HOLE};

	op->slot = pick_slot(m, TYPE(S_IFREG));
	op->flags = random_pick(&m->random, ways);
	op->off = random_offset(m);
}

static void generate_copy(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPE(S_IFREG));
	op->slot2 = pick_slot(m, TYPE(S_IFREG));
	op->off = random_offset(m);
	op->off2 = random_offset(m);
	op->len = random_length(m);
}

static void generate_lock(struct model *m, struct op *op)
{
	static const int whole[] = {LOCK_SH, LOCK_EX, LOCK_UN};
	static const int part[] = {F_RDLCK, F_WRLCK, F_UNLCK};

	op->slot = pick_slot(m, TYPE(S_IFREG));
	op->flags = op->kind == OP_FLOCK ? random_pick(&m->random, whole)
					 : random_pick(&m->random, part);
	if (op->kind != OP_FLOCK) {
		op->off = random_below(&m->random, 100);
		op->len = random_below(&m->random, 100);
	}
}

static void generate_statfs(struct model *m, struct op *op)
{
	if (random_chance(&m->random, 50))
		op->slot = pick_slot(m, TYPES_ALL);
	else
		pick_path(m, op, 0, TYPES_ALL, 90, false);
}

static void generate_new(struct model *m, struct op *op)
{
	static const unsigned types[] = {S_IFREG, 0, S_IFIFO, S_IFIFO, S_IFSOCK, S_IFCHR,
		S_IFBLK, S_IFDIR, S_IFLNK};

	if (random_chance(&m->random, 80))
		pick_new(m, op, 0, op->kind != OP_MKNOD);
	else
		pick_path(m, op, 0, TYPES_ALL, 40, op->kind != OP_MKNOD);
	op->mode = random_mode(m);
	if (op->kind != OP_MKNOD)
		return;
	op->mode |= random_pick(&m->random, types);
	/* Numbers that nobody has. */
	if (S_ISCHR(op->mode) || S_ISBLK(op->mode))
		op->rdev = makedev(3000 + random_below(&m->random, 1000),
			random_below(&m->random, 1 << 20));
}

static void generate_symlink(struct model *m, struct op *op)
{
	struct op other = {.dir = -1, .dir2 = -1};

	pick_path(m, &other, 0, TYPES_ALL, 80, false);
	if (random_chance(&m->random, 50))
		snprintf(op->path2, sizeof(op->path2), "%s%.4300s",
			random_chance(&m->random, 60) ? "/" : "../", other.path);
	else
		memcpy(op->path2, other.path, sizeof(op->path2));
	if (random_chance(&m->random, 80))
		pick_new(m, op, 0, true);
	else
		pick_path(m, op, 0, TYPES_ALL, 40, true);
}

static void generate_readlink(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPE(S_IFLNK), 85, true);
	op->len =
		random_chance(&m->random, 85) ? PATH_ROOM : random_below(&m->random, 12);
}

static void generate_link(struct model *m, struct op *op)
{
	pick_path(m, op, 0, random_chance(&m->random, 70) ? TYPE(S_IFREG) : TYPES_FILE,
		88, true);
	if (random_chance(&m->random, 80))
		pick_new(m, op, 1, true);
	else
		pick_path(m, op, 1, TYPES_ALL, 40, true);
	if (random_chance(&m->random, 25))
		op->flags = AT_SYMLINK_FOLLOW;
}

static void generate_link_slot(struct model *m, struct op *op)
{
	op->slot = pick_slot(m, TYPE(S_IFREG));
	pick_new(m, op, 0, true);
	if (op->dir == op->slot)
		op->slot = -1;
}

static void generate_removal(struct model *m, struct op *op)
{
	pick_path(m, op, 0, op->kind == OP_RMDIR ? TYPE(S_IFDIR) : TYPES_FILE, 85, true);
}

static void generate_rename(struct model *m, struct op *op)
{
	static const int flags[] = {0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE,
		RENAME_WHITEOUT, RENAME_NOREPLACE | RENAME_EXCHANGE, 1 << 20};

	pick_path(m, op, 0, TYPES_ALL, 90, true);
	op->flags = random_chance(&m->random, 95)
			    ? flags[random_below(&m->random, 7)]
			    : flags[7 + random_below(&m->random, 2)];
	if (op->flags & RENAME_EXCHANGE || random_chance(&m->random, 40))
		pick_path(m, op, 1, TYPES_ALL, 85, true);
	else
		pick_path(m, op, 1, TYPES_ALL, 10, true);
	if (random_chance(&m->random, 50) && !(op->flags & RENAME_EXCHANGE))
		pick_new(m, op, 1, true);
}

static void generate_list(struct model *m, struct op *op)
{
	if (op->kind == OP_LIST_SLOT)
		op->slot = pick_slot(m, TYPE(S_IFDIR));
	else
		pick_path(m, op, 0, TYPE(S_IFDIR), 90, true);
	op->len = random_chance(&m->random, 50) ? 8192
						: 320 + random_below(&m->random, 600);
}

static void generate_stat(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPES_ALL, 80, true);
	if (random_chance(&m->random, 50))
		op->flags = AT_SYMLINK_NOFOLLOW;
}

static void generate_access(struct model *m, struct op *op)
{
	pick_path(m, op, 0, TYPES_ALL, 85, true);
	op->mode = random_below(&m->random, 8);
}

static void generate_umask(struct model *m, struct op *op)
{
	static const unsigned masks[] = {022, 022, 0, 077, 027, 0777};

	op->mode = random_pick(&m->random, masks);
}

struct choice {
	enum kind kind;
	unsigned weight;
	void (*fill)(struct model *m, struct op *op);
};

static const struct choice choices[] = {
	{OP_OPEN, 140, generate_open},
	{OP_CLOSE, 30, generate_slot},
	{OP_READ, 30, generate_io},
	{OP_PREAD, 30, generate_io},
	{OP_WRITE, 40, generate_io},
	{OP_PWRITE, 40, generate_io},
	{OP_MAP_READ, 10, generate_io},
	{OP_MAP_WRITE, 20, generate_io},
	{OP_TRUNCATE, 25, generate_truncate},
	{OP_FTRUNCATE, 25, generate_truncate},
	{OP_FALLOCATE, 25, generate_fallocate},
	{OP_SEEK, 30, generate_seek},
	{OP_COPY, 20, generate_copy},
	{OP_FSYNC, 6, generate_slot},
	{OP_FDATASYNC, 4, generate_slot},
	{OP_FLOCK, 15, generate_lock},
	{OP_LOCK, 15, generate_lock},
	{OP_GETLOCK, 8, generate_lock},
	{OP_STATFS, 4, generate_statfs},
	{OP_MKDIR, 60, generate_new},
	{OP_MKNOD, 40, generate_new},
	{OP_SYMLINK, 35, generate_symlink},
	{OP_READLINK, 15, generate_readlink},
	{OP_LINK, 40, generate_link},
	{OP_LINK_SLOT, 8, generate_link_slot},
	{OP_RMDIR, 30, generate_removal},
	{OP_UNLINK, 50, generate_removal},
	{OP_RENAME, 80, generate_rename},
	{OP_LIST, 20, generate_list},
	{OP_LIST_SLOT, 10, generate_list},
	{OP_CLEAR, 2, generate_list},
	{OP_CHMOD, 50, generate_mode},
	{OP_FCHMOD, 20, generate_fchmod},
	{OP_CHOWN, 50, generate_owner},
	{OP_FCHOWN, 20, generate_fchown},
	{OP_UTIMENS, 40, generate_times},
	{OP_FUTIMENS, 15, generate_futimens},
	{OP_ACCESS, 25, generate_access},
	{OP_STAT, 30, generate_stat},
	{OP_FSTAT, 15, generate_slot},
	{OP_SETXATTR, 50, generate_attribute},
	{OP_GETXATTR, 25, generate_attribute},
	{OP_REMOVEXATTR, 20, generate_attribute},
	{OP_LISTXATTR, 20, generate_list_attributes},
	{OP_SETXATTR, 30, generate_acl},
	{OP_UMASK, 5, generate_umask},
};

static bool makes_name(const struct op *op)
{
	return op->kind == OP_MKDIR || op->kind == OP_MKNOD || op->kind == OP_SYMLINK ||
	       op->kind == OP_LINK || (op->kind == OP_OPEN && (op->flags & O_CREAT));
}

static void generate_one(struct model *m, struct op *op)
{
	unsigned all = 0, dice;
	size_t i;

	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		all += choices[i].weight;
	dice = random_below(&m->random, all);
	for (i = 0; dice >= choices[i].weight; i++)
		dice -= choices[i].weight;
	memset(op, 0, sizeof(*op));
	op->kind = choices[i].kind;
	op->slot = op->slot2 = op->dir = op->dir2 = -1;
	m->picked[0] = m->picked[1] = (struct picked){.node = -1, .parent = -1};
	choices[i].fill(m, op);
}

/* Where a difference that is known shows in nothing but what a look finds. */
static bool must_look(const struct op *op)
{
	switch (op->kind) {
	case OP_LINK:
	case OP_LINK_SLOT:
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
	case OP_CHOWN:
	case OP_FCHOWN:
		return true;
	default:
		return op->mode & S_ISGID;
	}
}

void generate(struct model *m, struct op *op)
{
	do
		generate_one(m, op);
	while (m->count > NAMES_MANY && makes_name(op) && random_chance(&m->random, 75));
	/* Looking fills caches: sometimes the call comes without it. */
	if (random_chance(&m->random, 70))
		op->look = LOOK_BEFORE | LOOK_AFTER;
	else if (random_chance(&m->random, 70) || must_look(op))
		op->look = LOOK_AFTER;
}
