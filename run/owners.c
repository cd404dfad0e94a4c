/* SPDX-License-Identifier: MIT */
/*
 * In a user namespace, where the kernel shows owners that the namespace does not know as
 * nobody's, and refuses to give files to them: stat and chown of files in the view, from
 * outside of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "run/calls.h"
#include "run/devices.h"

/* Which file a call is about, in the order of newfstatat(2). */
struct subject {
	int dirfd;
	uint64_t path; /* 0: dirfd itself */
	int flags;     /* AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW */
};

static int open_named(struct call *c, const struct subject *s, struct place_name *p)
{
	int rc = s->path ? call_path(c, s->path, s->dirfd, p) : 0;

	if (rc < 0)
		return rc;
	if (*p->path || !(s->flags & AT_EMPTY_PATH))
		return resolve(c->view, &c->t, p, !(s->flags & AT_SYMLINK_NOFOLLOW));
	return s->dirfd == AT_FDCWD ? target_open(&c->t, "cwd")
				    : target_fd(&c->t, s->dirfd);
}

/* The descriptor is of this host's, for a device of the view: run/devices.h. */
static bool is_opened_device(
	struct call *c, const struct subject *s, int fd, struct devices_node *node)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       devices_opened_as(&c->t, s->dirfd, node);
}

enum found {
	FOUND_NOT, /* it is not in the view, or not there, and the call is answered */
	FOUND,
	FOUND_DEVICE, /* as *node says it */
};

/* node: NULL where a device's descriptor is the kernel's matter. */
static enum found find(
	struct call *c, const struct subject *s, int *fd, struct devices_node *node)
{
	struct place_name p = {.path = ""};

	*fd = open_named(c, s, &p);
	if (*fd >= 0 && view_holds(c->view, *fd))
		return FOUND;
	if (*fd >= 0 && node && !*p.path && is_opened_device(c, s, *fd, node))
		return FOUND_DEVICE;
	/* The kernel would find it if it came now, as nobody's. */
	if (*fd == -ENOENT && p.certain)
		call_result(c, -ENOENT);
	else
		call_fail(c, *fd < 0 ? *fd : -EXDEV);
	return FOUND_NOT;
}

static void give_stat(struct call *c, struct subject s, uint64_t to)
{
	cleanup_close int fd = -1;
	struct devices_node node; /* the C library's stat is the kernel's here */
	enum found found = find(c, &s, &fd, &node);

	if (found == FOUND_NOT)
		return;
	if (found == FOUND && fstatat(fd, "", &node.st, AT_EMPTY_PATH) < 0)
		call_result(c, -errno);
	else
		call_result(c, call_write(c, to, &node.st, sizeof(node.st)));
}

void call_stat(struct call *c)
{
	give_stat(c, (struct subject){AT_FDCWD, c->args[0], 0}, c->args[1]);
}

void call_lstat(struct call *c)
{
	give_stat(c, (struct subject){AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW},
		c->args[1]);
}

void call_fstat(struct call *c)
{
	/* One of these stands for the working directory, elsewhere. */
	if ((int)c->args[0] < 0) {
		call_go_on(c);
		return;
	}
	give_stat(c, (struct subject){(int)c->args[0], 0, AT_EMPTY_PATH}, c->args[1]);
}

#define STAT_FLAGS                                                                       \
	(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)

void call_newfstatat(struct call *c)
{
	struct subject s = {(int)c->args[0], c->args[1], (int)c->args[3]};

	if (s.flags & ~STAT_FLAGS)
		call_go_on(c);
	else
		give_stat(c, s, c->args[2]);
}

void call_statx(struct call *c)
{
	struct subject s = {(int)c->args[0], c->args[1], (int)c->args[2]};
	cleanup_close int fd = -1;
	struct devices_node node;
	enum found found;

	if (s.flags & ~STAT_FLAGS) {
		call_go_on(c);
		return;
	}
	found = find(c, &s, &fd, &node);
	if (found == FOUND_NOT)
		return;
	if (found == FOUND &&
		statx(fd, "", AT_EMPTY_PATH | (s.flags & AT_STATX_SYNC_TYPE),
			(unsigned)c->args[3], &node.stx) < 0)
		call_result(c, -errno);
	else
		call_result(c, call_write(c, c->args[4], &node.stx, sizeof(node.stx)));
}

static void give_away(struct call *c, struct subject s, uint64_t uid, uint64_t gid)
{
	cleanup_close int fd = -1;

	if (find(c, &s, &fd, NULL) == FOUND && call_waits(c))
		call_result(c, fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) < 0
				       ? -errno
				       : 0);
}

void call_chown(struct call *c)
{
	give_away(c, (struct subject){AT_FDCWD, c->args[0], 0}, c->args[1], c->args[2]);
}

void call_lchown(struct call *c)
{
	give_away(c, (struct subject){AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW},
		c->args[1], c->args[2]);
}

void call_fchown(struct call *c)
{
	int rc = target_fd_is_path(&c->t, (int)c->args[0]);

	/* One that is good for names only is the kernel's to refuse. */
	if (rc)
		call_fail(c, rc < 0 ? rc : -EBADF);
	else
		give_away(c, (struct subject){(int)c->args[0], 0, AT_EMPTY_PATH},
			c->args[1], c->args[2]);
}

void call_fchownat(struct call *c)
{
	struct subject s = {(int)c->args[0], c->args[1], (int)c->args[4]};

	if (s.flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		call_go_on(c);
	else
		give_away(c, s, c->args[2], c->args[3]);
}
