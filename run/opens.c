/* SPDX-License-Identifier: MIT */
/*
 * Opening files that are shown as another's without touching their access time, and
 * making ones with the setgid bit: the descriptor is opened here and handed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "run/calls.h"
#include "run/names.h"

static bool makes_setgid(int flags, uint32_t mode)
{
	return flags & O_CREAT && names_lose_setgid(mode);
}

/* -EEXIST where it is there already, which only O_EXCL minds. */
static int make_first(struct call *c, struct place_name *p, uint32_t mode)
{
	const char *name;
	cleanup_close int dir = resolve_parent(c->view, &c->t, p, &name);

	if (dir < 0)
		return dir;
	if (!view_holds(c->view, dir))
		return -EXDEV;
	return names_make(c, dir, name, S_IFREG | (mode & 07777), 0);
}

static void hand_over(struct call *c, int inode, int flags)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", inode);
	/* A link that must not be followed: the kernel has the right answer. */
	fd = open(path, (flags & ~(O_NOATIME | O_CREAT | O_EXCL | O_NOFOLLOW)) |
				O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		call_result(c, -errno);
		return;
	}
	c->fd = fd;
	c->close_on_exec = flags & O_CLOEXEC;
}

/* Where it is, opened to be looked at. */
static int find(struct call *c, int flags, uint32_t mode, struct place_name *p)
{
	int rc = makes_setgid(flags, mode) ? make_first(c, p, mode) : 0;

	if (rc < 0 && (rc != -EEXIST || !(flags & O_NOATIME) || flags & O_EXCL))
		return rc;
	return resolve(c->view, &c->t, p, !(flags & O_NOFOLLOW));
}

static void open_path(struct call *c, int dirfd, uint64_t path, int flags, uint32_t mode)
{
	struct place_name p;
	struct stat st;
	cleanup_close int inode = -1;

	if (flags & (O_PATH | O_TMPFILE) & ~O_DIRECTORY ||
		!(flags & O_NOATIME || makes_setgid(flags, mode))) {
		call_go_on(c);
		return;
	}
	inode = call_path(c, path, dirfd, &p);
	if (inode == 0)
		inode = find(c, flags, mode, &p);
	if (inode < 0)
		call_fail(c, inode);
	else if (!view_holds(c->view, inode) || fstat(inode, &st) < 0 ||
		 (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		call_go_on(c);
	else
		hand_over(c, inode, flags);
}

void call_open(struct call *c)
{
	open_path(c, AT_FDCWD, c->args[0], (int)c->args[1], (uint32_t)c->args[2]);
}

void call_openat(struct call *c)
{
	open_path(c, (int)c->args[0], c->args[1], (int)c->args[2], (uint32_t)c->args[3]);
}

void call_creat(struct call *c)
{
	open_path(c, AT_FDCWD, c->args[0], O_CREAT | O_WRONLY | O_TRUNC,
		(uint32_t)c->args[1]);
}

/* Where it says how a path may lead there, only the kernel can follow it. */
void call_openat2(struct call *c)
{
	struct open_how how;

	if (c->args[3] < sizeof(how) ||
		target_read(&c->t, c->args[2], &how, sizeof(how)) < 0 || how.resolve) {
		call_go_on(c);
		return;
	}
	open_path(c, (int)c->args[0], c->args[1], (int)how.flags, (uint32_t)how.mode);
}
