// SPDX-License-Identifier: MIT
/* Operations on what a file has beside its bytes: owner, mode, times, attributes. */
#include "fs/side.h"
#include "tests/view/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int change_mode(const struct worker *w, const struct op *op)
{
	if (op->flags)
		return (int)syscall(
			SYS_fchmodat2, at(w, op->dir), op->path, op->mode, op->flags);
	return fchmodat(at(w, op->dir), op->path, op->mode, 0);
}

static void say_stat(const struct worker *w, struct result *r, const struct stat *st)
{
	say(r, "mode %#o owner %u:%u links %llu device %#llx modified ", st->st_mode,
		st->st_uid, st->st_gid, (unsigned long long)st->st_nlink,
		S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)
			? (unsigned long long)st->st_rdev
			: 0ull);
	say_time(w, r, &st->st_mtim);
	if (!S_ISDIR(st->st_mode))
		say(r, " size %lld", (long long)st->st_size);
}

static int stat_path(const struct worker *w, const struct op *op, struct result *r)
{
	struct stat st;
	int rc = fstatat(at(w, op->dir), op->path, &st, op->flags);

	if (rc == 0)
		say_stat(w, r, &st);
	return rc;
}

static int stat_slot(const struct worker *w, const struct op *op, struct result *r)
{
	struct stat st;
	int rc = fstat(slot_fd(w, op->slot), &st);

	if (rc == 0)
		say_stat(w, r, &st);
	return rc;
}

static const char *attribute(const struct op *op, char *room, size_t size)
{
	if (!op->side)
		return op->name;
	snprintf(room, size, SIDE_ATTR "%s", op->name);
	return room;
}

static int set_attribute(const struct worker *w, const struct op *op)
{
	char room[400];
	const char *name = attribute(op, room, sizeof(room));

	if (op->slot >= 0)
		return fsetxattr(
			slot_fd(w, op->slot), name, op->value, op->value_len, op->flags);
	if (op->mode) /* the link itself */
		return lsetxattr(op->path, name, op->value, op->value_len, op->flags);
	return setxattr(op->path, name, op->value, op->value_len, op->flags);
}

static ssize_t get_attribute(
	const struct worker *w, const struct op *op, struct result *r)
{
	char room[400];
	const char *name = attribute(op, room, sizeof(room));
	ssize_t n;

	if (op->slot >= 0)
		n = fgetxattr(slot_fd(w, op->slot), name, r->text, op->len);
	else if (op->mode)
		n = lgetxattr(op->path, name, r->text, op->len);
	else
		n = getxattr(op->path, name, r->text, op->len);
	r->len = n > 0 && op->len ? (size_t)n : 0;
	return n;
}

static int remove_attribute(const struct worker *w, const struct op *op)
{
	char room[400];
	const char *name = attribute(op, room, sizeof(room));

	if (op->slot >= 0)
		return fremovexattr(slot_fd(w, op->slot), name);
	return op->mode ? lremovexattr(op->path, name) : removexattr(op->path, name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted: no order is promised. With len 0 the size alone is asked for. */
static ssize_t list_attributes(
	const struct worker *w, const struct op *op, struct result *r)
{
	char names[16384];
	char *sorted[256];
	size_t count = 0, room = op->len < sizeof(names) ? op->len : sizeof(names);
	ssize_t n;

	if (op->slot >= 0)
		n = flistxattr(slot_fd(w, op->slot), names, room);
	else if (op->mode)
		n = llistxattr(op->path, names, room);
	else
		n = listxattr(op->path, names, room);
	if (n <= 0 || !room)
		return n;
	for (char *p = names; p < names + n && count < 256; p += strlen(p) + 1)
		sorted[count++] = p;
	qsort(sorted, count, sizeof(sorted[0]), by_text);
	for (size_t i = 0; i < count; i++)
		say(r, "%s\n", sorted[i]);
	return n;
}

bool perform_attr(struct worker *w, const struct op *op, struct result *r)
{
	int dir = at(w, op->dir), fd = slot_fd(w, op->slot);

	switch (op->kind) {
	case OP_CHMOD:
		r->ret = change_mode(w, op);
		break;
	case OP_FCHMOD:
		r->ret = fchmod(fd, op->mode);
		break;
	case OP_CHOWN:
		r->ret = fchownat(dir, op->path, op->uid, op->gid, op->flags);
		break;
	case OP_FCHOWN:
		r->ret = fchown(fd, op->uid, op->gid);
		break;
	case OP_UTIMENS:
		r->ret = utimensat(dir, op->path, op->times, op->flags);
		break;
	case OP_FUTIMENS:
		r->ret = futimens(fd, op->times);
		break;
	case OP_ACCESS:
		r->ret = syscall(SYS_faccessat, dir, op->path, op->mode);
		break;
	case OP_STAT:
		r->ret = stat_path(w, op, r);
		break;
	case OP_FSTAT:
		r->ret = stat_slot(w, op, r);
		break;
	case OP_SETXATTR:
		r->ret = set_attribute(w, op);
		break;
	case OP_GETXATTR:
		r->ret = get_attribute(w, op, r);
		break;
	case OP_LISTXATTR:
		r->ret = list_attributes(w, op, r);
		break;
	case OP_REMOVEXATTR:
		r->ret = remove_attribute(w, op);
		break;
	case OP_UMASK:
		r->ret = (long long)umask(op->mode);
		break;
	default:
		return false;
	}
	return true;
}
