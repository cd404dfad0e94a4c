/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes that the kernel keeps for root (xattr(7)): security.*, trusted.*
 * and POSIX ACLs, of files in the view, by its daemon. user.* passes.
 */
#include <errno.h>
#include <fcntl.h>
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

/* Which inode a call is about. */
struct subject {
	bool by_fd; /* it is dirfd's own (or AT_FDCWD's) */
	int dirfd;
	uint64_t path;
	bool follow;
};

/* struct xattr_args of linux/xattr.h (6.13). */
struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

static struct subject by_path(const struct call *c, bool follow)
{
	return (struct subject){false, AT_FDCWD, c->args[0], follow};
}

static struct subject by_fd(const struct call *c)
{
	/* One of the negative numbers stands for the working directory, elsewhere. */
	return (struct subject){
		true, (int)c->args[0] < 0 ? -1 : (int)c->args[0], 0, false};
}

/*
 * A descriptor's inode, or -EXDEV. Most calls are about files elsewhere (cp asks for each
 * that it reads), which one look tells; and what is opened may be another by then.
 */
static int open_fd(struct call *c, int number)
{
	cleanup_close int fd = -1;
	int rc = target_fd_device(&c->t, number, c->view->dev);

	if (rc == 0)
		rc = target_fd_is_path(&c->t, number);
	/* One that can be used for names only is the kernel's to refuse. */
	if (rc)
		return rc < 0 ? rc : -EXDEV;
	fd = target_fd(&c->t, number);
	if (fd < 0)
		return fd;
	return view_holds(c->view, fd) ? take_fd(&fd) : -EXDEV;
}

/* The inode, or -EXDEV for one that is not in the view. */
static int open_subject(struct call *c, const struct subject *s)
{
	cleanup_close int fd = -1;
	struct place_name p;
	int rc;

	p.certain = false;
	if (s->by_fd && s->dirfd == AT_FDCWD) {
		fd = target_open(&c->t, "cwd");
	} else if (s->by_fd) {
		return open_fd(c, s->dirfd);
	} else {
		rc = call_path(c, s->path, s->dirfd, &p);
		fd = rc < 0 ? rc : resolve(c->view, &c->t, &p, s->follow);
	}
	if (fd < 0)
		return fd;
	return p.certain || view_holds(c->view, fd) ? take_fd(&fd) : -EXDEV;
}

static bool is_kept(const char *name)
{
	return strncmp(name, "security.", 9) == 0 || strncmp(name, "trusted.", 8) == 0 ||
	       strncmp(name, "system.posix_acl_", 17) == 0;
}

/* Of a symbolic link nobody has an ACL, which the kernel says itself when it is asked. */
static bool is_acl_of_link(const char *name, const struct subject *s, int fd)
{
	struct statx st;

	return !s->follow && strncmp(name, "system.", 7) == 0 &&
	       statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
	       S_ISLNK(st.stx_mode);
}

/* "/proc/self/fd/N" and the side channel's name for an attribute. */
struct way {
	char path[DESCRIPTOR_PATH];
	char name[sizeof(SIDE_ATTR) + XATTR_NAME_MAX];
};

/*
 * Opens what a call is about, if the attribute is one that the kernel keeps. False: the
 * call is answered, or goes on.
 */
static bool begin(
	struct call *c, const struct subject *s, uint64_t name, int *fd, struct way *w)
{
	char given[XATTR_NAME_MAX + 1];
	int rc = target_string(&c->t, name, given, sizeof(given));

	*fd = -1;
	if (rc >= 0 && !is_kept(given))
		rc = -EXDEV;
	if (rc >= 0)
		rc = *fd = open_subject(c, s);
	if (rc < 0) {
		call_fail(c, rc);
		return false;
	}
	descriptor_path(*fd, w->path);
	/* With its prefix it may be too long for the kernel, which then says ERANGE. */
	snprintf(w->name, sizeof(w->name), "%s%s",
		is_acl_of_link(given, s, *fd) ? "" : SIDE_ATTR, given);
	return true;
}

static void set(struct call *c, const struct subject *s, uint64_t name, uint64_t value,
	uint64_t size, uint64_t flags)
{
	cleanup_free char *bytes = NULL;
	cleanup_close int fd = -1;
	struct way w;
	int rc;

	if (flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE) || size > XATTR_SIZE_MAX) {
		call_go_on(c);
		return;
	}
	if (!begin(c, s, name, &fd, &w))
		return;
	bytes = malloc(size + 1);
	rc = bytes ? target_read(&c->t, value, bytes, size) : -ENOMEM;
	if (rc == 0 && !call_waits(c))
		return;
	if (rc == 0 && setxattr(w.path, w.name, bytes, size, (int)flags) < 0)
		rc = -errno;
	call_result(c, rc);
}

/* What was read, into the target's room for it; no room asks for the size. */
static void give_back(
	struct call *c, const char *bytes, ssize_t len, uint64_t to, uint64_t room)
{
	int rc = 0;

	if (len < 0)
		call_result(c, -errno);
	else if (room && (uint64_t)len > room)
		call_result(c, -ERANGE);
	else {
		if (room)
			rc = call_write(c, to, bytes, (size_t)len);
		call_result(c, rc < 0 ? rc : len);
	}
}

static void get(struct call *c, const struct subject *s, uint64_t name, uint64_t value,
	uint64_t room)
{
	cleanup_free char *bytes = NULL;
	cleanup_close int fd = -1;
	struct way w;

	if (!begin(c, s, name, &fd, &w))
		return;
	bytes = malloc(XATTR_SIZE_MAX);
	errno = ENOMEM;
	give_back(c, bytes, bytes ? getxattr(w.path, w.name, bytes, XATTR_SIZE_MAX) : -1,
		value, room);
}

static void list(struct call *c, const struct subject *s, uint64_t names, uint64_t room)
{
	cleanup_free char *bytes = NULL;
	cleanup_close int fd = open_subject(c, s);
	char path[DESCRIPTOR_PATH];

	if (fd < 0) {
		call_fail(c, fd);
		return;
	}
	descriptor_path(fd, path);
	bytes = malloc(XATTR_LIST_MAX);
	errno = ENOMEM;
	give_back(c, bytes, bytes ? getxattr(path, SIDE_LIST, bytes, XATTR_LIST_MAX) : -1,
		names, room);
}

static void drop(struct call *c, const struct subject *s, uint64_t name)
{
	cleanup_close int fd = -1;
	struct way w;

	if (begin(c, s, name, &fd, &w) && call_waits(c))
		call_result(c, removexattr(w.path, w.name) < 0 ? -errno : 0);
}

static void set_plain(struct call *c, struct subject s)
{
	set(c, &s, c->args[1], c->args[2], c->args[3], c->args[4]);
}

/* A new program asks whether somebody answers. */
static bool is_self_test(struct call *c)
{
	char name[sizeof(CALL_SELF_TEST)];

	return c->args[3] == sizeof(CALL_SELF_TEST_REPLY) &&
	       target_string(&c->t, c->args[1], name, sizeof(name)) >= 0 &&
	       strcmp(name, CALL_SELF_TEST) == 0;
}

void call_setxattr(struct call *c)
{
	if (is_self_test(c)) {
		call_result(c, call_write(c, c->args[2], CALL_SELF_TEST_REPLY,
				       sizeof(CALL_SELF_TEST_REPLY)));
		return;
	}
	set_plain(c, by_path(c, true));
}

void call_lsetxattr(struct call *c)
{
	set_plain(c, by_path(c, false));
}

void call_fsetxattr(struct call *c)
{
	set_plain(c, by_fd(c));
}

static void get_plain(struct call *c, struct subject s)
{
	get(c, &s, c->args[1], c->args[2], c->args[3]);
}

void call_getxattr(struct call *c)
{
	get_plain(c, by_path(c, true));
}

void call_lgetxattr(struct call *c)
{
	get_plain(c, by_path(c, false));
}

void call_fgetxattr(struct call *c)
{
	get_plain(c, by_fd(c));
}

static void list_plain(struct call *c, struct subject s)
{
	list(c, &s, c->args[1], c->args[2]);
}

void call_listxattr(struct call *c)
{
	list_plain(c, by_path(c, true));
}

void call_llistxattr(struct call *c)
{
	list_plain(c, by_path(c, false));
}

void call_flistxattr(struct call *c)
{
	list_plain(c, by_fd(c));
}

static void drop_plain(struct call *c, struct subject s)
{
	drop(c, &s, c->args[1]);
}

void call_removexattr(struct call *c)
{
	drop_plain(c, by_path(c, true));
}

void call_lremovexattr(struct call *c)
{
	drop_plain(c, by_path(c, false));
}

void call_fremovexattr(struct call *c)
{
	drop_plain(c, by_fd(c));
}

/* (dirfd, path, flags, …): false where only the kernel knows what that means. */
static bool by_at(struct call *c, struct subject *s)
{
	uint32_t flags = (uint32_t)c->args[2];
	char first = '\0';
	int rc = c->args[1] ? target_read(&c->t, c->args[1], &first, 1) : 0;

	*s = (struct subject){
		.by_fd = !first,
		.dirfd = (int)c->args[0],
		.path = c->args[1],
		.follow = !(flags & AT_SYMLINK_NOFOLLOW),
	};
	if (rc < 0 || flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ||
		(s->by_fd && !(flags & AT_EMPTY_PATH))) {
		call_fail(c, rc < 0 ? rc : -EINVAL);
		return false;
	}
	return true;
}

static bool read_at_args(struct call *c, struct at_args *a)
{
	int rc = target_read_struct(&c->t, c->args[4], c->args[5], a, sizeof(*a));

	if (rc < 0)
		call_fail(c, rc);
	return rc == 0;
}

void call_setxattrat(struct call *c)
{
	struct subject s;
	struct at_args a;

	if (by_at(c, &s) && read_at_args(c, &a))
		set(c, &s, c->args[3], a.value, a.size, a.flags);
}

void call_getxattrat(struct call *c)
{
	struct subject s;
	struct at_args a;

	if (!by_at(c, &s) || !read_at_args(c, &a))
		return;
	if (a.flags)
		call_go_on(c);
	else
		get(c, &s, c->args[3], a.value, a.size);
}

void call_listxattrat(struct call *c)
{
	struct subject s;

	if (by_at(c, &s))
		list(c, &s, c->args[3], c->args[4]);
}

void call_removexattrat(struct call *c)
{
	struct subject s;

	if (by_at(c, &s))
		drop(c, &s, c->args[3]);
}
