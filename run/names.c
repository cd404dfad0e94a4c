/* SPDX-License-Identifier: MIT */
/* New names that the kernel refuses an ordinary user: devices, guarded hard links. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "fs/side.h"
#include "run/calls.h"
#include "run/names.h"

int names_make(struct call *c, int dir, const char *name, uint32_t mode, uint32_t rdev)
{
	char text[NAME_MAX + 64], path[DESCRIPTOR_PATH];
	uint32_t mask;
	int rc = target_umask(&c->t, &mask);
	int len;

	if (rc < 0)
		return rc;
	if (!call_waits(c))
		return -ESRCH;
	len = snprintf(text, sizeof(text), "%" PRIo32 " %" PRIo32 " %" PRIu32 " %s", mode,
		mask, rdev, name);
	return setxattr(descriptor_path(dir, path), SIDE_MKNOD, text, (size_t)len, 0) < 0
		       ? -errno
		       : 0;
}

bool names_lose_setgid(uint32_t mode)
{
	return (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
}

/* What the kernel would make as it is asked to is left to it; what nobody makes, too. */
static bool is_refused(uint32_t mode)
{
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return true;
	return (S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode)) &&
	       names_lose_setgid(mode);
}

static void make(struct call *c, int dirfd, uint64_t path, uint32_t mode, uint32_t rdev)
{
	struct place_name p;
	const char *name;
	cleanup_close int dir = -1;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (!is_refused(mode)) {
		call_go_on(c);
		return;
	}
	dir = call_path(c, path, dirfd, &p);
	if (dir == 0)
		dir = resolve_parent(c->view, &c->t, &p, &name);
	if (dir < 0)
		call_fail(c, dir);
	else if (!view_holds(c->view, dir))
		call_go_on(c);
	else
		call_result(c, names_make(c, dir, name, mode, rdev));
}

void call_mknod(struct call *c)
{
	make(c, AT_FDCWD, c->args[0], (uint32_t)c->args[1] & 0177777,
		(uint32_t)c->args[2]);
}

void call_mknodat(struct call *c)
{
	make(c, (int)c->args[0], c->args[1], (uint32_t)c->args[2] & 0177777,
		(uint32_t)c->args[3]);
}

#define RENAMED_MAX 8 /* times that a file is renamed while it is linked */

/* By the view's daemon, which finds the source by its path. -ESTALE: it has another. */
static int link_by_path(int source, int dir, const char *name)
{
	cleanup_free char *text = malloc(XATTR_SIZE_MAX + NAME_MAX + 32);
	char from[DESCRIPTOR_PATH], to[DESCRIPTOR_PATH];
	struct stat st;
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = getxattr(descriptor_path(source, from), SIDE_PATH, text, XATTR_SIZE_MAX);
	if (len < 0 && errno != ESTALE)
		return -errno;
	if (len < 0) { /* it has no name, or none any more */
		*text = '\0';
		len = 1;
	}
	if (fstat(source, &st) < 0)
		return -errno;
	len += sprintf(text + len, "%ju %s", (uintmax_t)st.st_ino, name);
	return setxattr(descriptor_path(dir, to), SIDE_LINK, text, (size_t)len, 0) < 0
		       ? -errno
		       : 0;
}

/* As the kernel does it, where it lets an ordinary user. */
static int link_to(int source, int dir, const char *name)
{
	char from[DESCRIPTOR_PATH];
	int rc = -ESTALE;

	if (linkat(AT_FDCWD, descriptor_path(source, from), dir, name,
		    AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	for (int i = 0; rc == -ESTALE && i < RENAMED_MAX; i++)
		rc = link_by_path(source, dir, name);
	return rc == -ESTALE ? -ENOENT : rc;
}

struct link_call {
	int from_dir, to_dir;
	uint64_t from, to;
	int flags;
};

static int open_source(struct call *c, const struct link_call *l)
{
	struct place_name p;
	int rc = call_path(c, l->from, l->from_dir, &p);

	if (rc < 0)
		return rc;
	if (l->flags & AT_EMPTY_PATH && !*p.path)
		return target_fd(&c->t, l->from_dir);
	return resolve(c->view, &c->t, &p, l->flags & AT_SYMLINK_FOLLOW);
}

static int open_target(struct call *c, const struct link_call *l, struct place_name *p,
	const char **name)
{
	int rc = call_path(c, l->to, l->to_dir, p);

	return rc < 0 ? rc : resolve_parent(c->view, &c->t, p, name);
}

static void make_link(struct call *c, const struct link_call *l)
{
	struct place_name p;
	const char *name;
	cleanup_close int source = -1, dir = -1;

	if (l->flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
		call_go_on(c);
		return;
	}
	source = open_source(c, l);
	if (source < 0) {
		call_fail(c, source);
		return;
	}
	dir = open_target(c, l, &p, &name);
	if (dir < 0)
		call_fail(c, dir);
	else if (!view_holds(c->view, source) || !view_holds(c->view, dir))
		call_go_on(c);
	else if (call_waits(c))
		call_result(c, link_to(source, dir, name));
}

void call_link(struct call *c)
{
	struct link_call l = {AT_FDCWD, AT_FDCWD, c->args[0], c->args[1], 0};

	make_link(c, &l);
}

void call_linkat(struct call *c)
{
	struct link_call l = {(int)c->args[0], (int)c->args[2], c->args[1], c->args[3],
		(int)c->args[4]};

	make_link(c, &l);
}
