/* SPDX-License-Identifier: MIT */
/*
 * Opening files that are shown as another's without touching their access time, making
 * ones with the setgid bit, and, in a user namespace, opening device nodes: the
 * descriptor is opened here and handed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "run/calls.h"
#include "run/devices.h"
#include "run/names.h"

#define LINKS_MAX 40 /* MAXSYMLINKS of the kernel */

/* VALID_OPEN_FLAGS of the kernel, whose O_LARGEFILE is not the C library's. */
#define OPEN_FLAGS                                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |     \
		O_SYNC | O_ASYNC | O_DIRECT | 0100000 | O_DIRECTORY | O_NOFOLLOW |       \
		O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

static bool makes_setgid(int flags, uint32_t mode)
{
	return flags & O_CREAT && names_lose_setgid(mode);
}

/* -EEXIST where it is there already, -EXDEV where it would not be in the view. */
static int make_once(struct call *c, struct place_name *p, uint32_t mode)
{
	const char *name;
	cleanup_close int dir = resolve_parent(c->view, &c->t, p, &name);

	if (dir < 0)
		return dir;
	if (!view_holds(c->view, dir))
		return -EXDEV;
	return names_make(c, dir, name, S_IFREG | (mode & 07777), 0);
}

/* A symbolic link's text takes the place of its name. */
static int replace_last(struct place_name *p, int link)
{
	char *slash = strrchr(p->path, '/');
	size_t before = slash ? (size_t)(slash + 1 - p->path) : 0;
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text));

	if (n < 0)
		return -errno;
	if (n > 0 && *text == '/')
		before = 0;
	if (before + (size_t)n >= sizeof(p->path))
		return -ENAMETOOLONG;
	memcpy(p->path + before, text, (size_t)n);
	p->path[before + (size_t)n] = '\0';
	return 0;
}

/* Without O_EXCL, what a symbolic link leads to is made; *p then says so. */
static int make_first(struct call *c, struct place_name *p, int flags, uint32_t mode)
{
	for (int links = 0; links <= LINKS_MAX; links++) {
		int rc = make_once(c, p, mode);
		cleanup_close int there = -1;
		struct stat st;

		if (rc != -EEXIST || flags & (O_EXCL | O_NOFOLLOW))
			return rc;
		there = resolve(c->view, &c->t, p, false);
		if (there < 0)
			return there;
		if (fstat(there, &st) < 0 || !S_ISLNK(st.st_mode))
			return -EEXIST;
		rc = replace_last(p, there);
		if (rc < 0)
			return rc;
	}
	return -ELOOP;
}

/* Where it is, opened to be looked at. What is there may be all right for O_CREAT. */
static int find(struct call *c, int flags, uint32_t mode, struct place_name *p)
{
	int rc = flags & O_CREAT ? make_first(c, p, flags, mode) : 0;

	if (rc < 0 && ((rc != -EEXIST && rc != -EXDEV) || !(flags & O_NOATIME) ||
			      flags & O_EXCL))
		return rc;
	return resolve(c->view, &c->t, p, !(flags & O_NOFOLLOW));
}

/* Opening it waits for nobody, and says what the kernel would say. */
static bool can_be_opened(int inode, int flags)
{
	struct stat st;

	if (fstat(inode, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return !(flags & O_CREAT);
	if (S_ISFIFO(st.st_mode))
		return flags & O_NONBLOCK || (flags & O_ACCMODE) == O_RDWR;
	return S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode);
}

static int open_file(int inode, int flags)
{
	char path[DESCRIPTOR_PATH];
	/* A link that must not be followed: the kernel has the right answer. */
	int fd = open(descriptor_path(inode, path),
		(flags & ~(O_NOATIME | O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC |
			O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* fd: or -errno. */
static void hand_over(struct call *c, int fd, int flags)
{
	if (fd < 0) {
		call_result(c, fd);
		return;
	}
	c->fd = fd;
	c->close_on_exec = flags & O_CLOEXEC;
}

/* One for the kernel, unless it is a device node of the view, which it would refuse. */
static void open_common(struct call *c, int dirfd, uint64_t path, int flags)
{
	struct place_name p;
	cleanup_close int inode = -1;
	int fd = -ENXIO;

	if (c->view->in_namespace && devices_may_open(flags)) {
		inode = call_path(c, path, dirfd, &p);
		if (inode == 0)
			inode = resolve(c->view, &c->t, &p, !(flags & O_NOFOLLOW));
		if (inode >= 0 && view_holds(c->view, inode))
			fd = devices_open(inode, flags);
	}
	if (fd == -ENXIO)
		call_go_on(c);
	else
		hand_over(c, fd, flags);
}

/* One for the kernel, whoever asks. */
static bool is_common(int flags, uint32_t mode)
{
	if (flags & (O_PATH | O_TMPFILE) & ~O_DIRECTORY)
		return true;
	if (flags & O_CREAT && flags & O_DIRECTORY)
		return true;
	return !(flags & O_NOATIME) && !makes_setgid(flags, mode);
}

static void open_path(struct call *c, int dirfd, uint64_t path, int flags, uint32_t mode)
{
	struct place_name p;
	cleanup_close int inode = -1;

	if (is_common(flags, mode)) {
		open_common(c, dirfd, path, flags);
		return;
	}
	inode = call_path(c, path, dirfd, &p);
	if (inode == 0)
		inode = find(c, flags, mode, &p);
	if (inode < 0)
		call_fail(c, inode);
	else if (!view_holds(c->view, inode) || !can_be_opened(inode, flags))
		call_go_on(c);
	else
		hand_over(c, open_file(inode, flags), flags);
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

/* It refuses what open(2) does not look at. */
static bool is_refused(const struct open_how *how)
{
	return how->flags & ~(uint64_t)OPEN_FLAGS || how->mode & ~(uint64_t)07777 ||
	       (how->mode && !(how->flags & O_CREAT));
}

/* Where it says how a path may lead there, only the kernel can follow it. */
void call_openat2(struct call *c)
{
	struct open_how how;
	int rc = target_read_struct(&c->t, c->args[2], c->args[3], &how, sizeof(how));

	if (rc < 0)
		call_fail(c, rc);
	else if (how.resolve || is_refused(&how))
		call_go_on(c);
	else
		open_path(c, (int)c->args[0], c->args[1], (int)how.flags,
			(uint32_t)how.mode);
}
