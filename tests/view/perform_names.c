// SPDX-License-Identifier: MIT
/* Operations on names: what makes, removes, moves and lists them. */
#include "fs/side.h"
#include "tests/view/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A device node, which the kernel lets nobody but root make. */
static int make_by_side(const struct op *op)
{
	char value[PATH_ROOM + 64];
	char parent[PATH_ROOM];
	const char *name = strrchr(op->path, '/');
	mode_t mask = umask(0);
	int len;

	umask(mask);
	snprintf(parent, sizeof(parent), "%.*s", name ? (int)(name - op->path + 1) : 1,
		name ? op->path : ".");
	len = snprintf(value, sizeof(value), "%o %o %llu %s", op->mode, mask,
		(unsigned long long)op->rdev, name ? name + 1 : op->path);
	return setxattr(parent, SIDE_MKNOD, value, (size_t)len, 0);
}

static int read_link(const struct worker *w, const struct op *op, struct result *r)
{
	char target[PATH_ROOM];
	ssize_t n = readlinkat(at(w, op->dir), op->path, target, op->len);

	if (n > 0)
		say_bytes(r, target, (size_t)n);
	return (int)n;
}

/* Through /proc, since AT_EMPTY_PATH wants a capability. */
static int link_slot(const struct worker *w, const struct op *op)
{
	char path[64];
	int fd = slot_fd(w, op->slot);

	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return linkat(w->proc, path, at(w, op->dir), op->path, AT_SYMLINK_FOLLOW);
}

struct entry {
	char name[256];
	unsigned char type;
	bool ino_matches;
};

struct entries {
	struct entry *all;
	size_t count;
	size_t room;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void add_entry(struct entries *list, const struct entry *e)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->all = realloc(list->all, list->room * sizeof(*list->all));
		if (!list->all)
			abort();
	}
	list->all[list->count++] = *e;
}

static void say_entries(struct result *r, const char *head, struct entries *list)
{
	if (list->count)
		qsort(list->all, list->count, sizeof(*list->all), by_name);
	say(r, "%s:\n", head);
	for (size_t i = 0; i < list->count; i++)
		say(r, "%s type %d%s\n", list->all[i].name, list->all[i].type,
			list->all[i].ino_matches ? "" : ", its d_ino is not its st_ino");
	free(list->all);
	*list = (struct entries){0};
}

/* struct linux_dirent64, which the C library does not declare. */
struct dent {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static bool ino_is(int fd, const struct dent *d)
{
	struct stat st;

	/* ".." of the root is where the two trees differ by nature. */
	return !strcmp(d->name, "..") ||
	       fstatat(fd, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino == d->ino;
}

/*
 * Reads what is left of a directory, in bites of `room` bytes. With `removed`, what can
 * be unlinked is, as soon as it is met.
 */
static int read_entries(
	int fd, size_t room, struct entries *left, struct entries *removed)
{
	_Alignas(8) char buf[8192];
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, room)) > 0) {
		for (long pos = 0; pos < n;) {
			const struct dent *d = (const void *)(buf + pos);
			struct entry e = {.type = d->type, .ino_matches = ino_is(fd, d)};

			memcpy(e.name, d->name, strlen(d->name) + 1);
			pos += d->len;
			if (removed && d->type != DT_DIR && unlinkat(fd, d->name, 0) == 0)
				add_entry(removed, &e);
			else
				add_entry(left, &e);
		}
	}
	return (int)n;
}

static int list(int fd, const struct op *op, struct result *r)
{
	struct entries left = {0}, removed = {0};
	size_t room = op->len < 320 ? 320 : op->len > 8192 ? 8192 : op->len;
	int rc = read_entries(fd, room, &left, op->kind == OP_CLEAR ? &removed : NULL);
	int err = errno;

	say_entries(r, "there", &left);
	say_entries(r, "removed", &removed);
	errno = err;
	return rc;
}

static int list_path(const struct worker *w, const struct op *op, struct result *r)
{
	int fd = openat(at(w, op->dir), op->path, O_RDONLY | O_DIRECTORY);
	int rc, err;

	if (fd < 0)
		return -1;
	rc = list(fd, op, r);
	err = errno;
	close(fd);
	errno = err;
	return rc;
}

static int list_slot(const struct worker *w, const struct op *op, struct result *r)
{
	int rc, err, fd = slot_fd(w, op->slot);

	/* Always the whole of it: where a half ends, and the end, is the filesystem's
	 * affair. */
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	rc = list(fd, op, r);
	err = errno;
	lseek(fd, 0, SEEK_SET);
	errno = err;
	return rc;
}

static bool is_directory(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int move(const struct worker *w, const struct op *op)
{
	/* ext4 moves a directory's times though it refuses a whiteout (ENOTEMPTY). */
	if (!op->flags || (op->flags == RENAME_WHITEOUT &&
				  is_directory(at(w, op->dir2), op->path2)))
		return renameat(at(w, op->dir), op->path, at(w, op->dir2), op->path2);
	return renameat2(at(w, op->dir), op->path, at(w, op->dir2), op->path2,
		(unsigned)op->flags);
}

bool perform_name(struct worker *w, const struct op *op, struct result *r)
{
	int dir = at(w, op->dir);

	switch (op->kind) {
	case OP_MKDIR:
		r->ret = mkdirat(dir, op->path, op->mode);
		break;
	case OP_RMDIR:
		r->ret = unlinkat(dir, op->path, AT_REMOVEDIR);
		break;
	case OP_MKNOD:
		r->ret = op->side ? make_by_side(op)
				  : mknodat(dir, op->path, op->mode, op->rdev);
		break;
	case OP_SYMLINK:
		r->ret = symlinkat(op->path2, dir, op->path);
		break;
	case OP_READLINK:
		r->ret = read_link(w, op, r);
		break;
	case OP_LINK:
		r->ret = linkat(dir, op->path, at(w, op->dir2), op->path2, op->flags);
		break;
	case OP_LINK_SLOT:
		r->ret = link_slot(w, op);
		break;
	case OP_UNLINK:
		r->ret = unlinkat(dir, op->path, 0);
		break;
	case OP_RENAME:
		r->ret = move(w, op);
		break;
	case OP_LIST:
	case OP_CLEAR:
		r->ret = list_path(w, op, r);
		break;
	case OP_LIST_SLOT:
		r->ret = list_slot(w, op, r);
		break;
	default:
		return false;
	}
	return true;
}
