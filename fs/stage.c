/* SPDX-License-Identifier: MIT */
#include "fs/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

struct stage {
	char *path;
	int root;
};

/* What tells one mount from another; the device where the kernel has nothing better. */
static uint64_t mount_id(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return UINT64_MAX;
	return st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : stage_dev(&st);
}

static bool is_link(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

/*
 * The same without openat2(2), which some containers and valgrind do not let through: one
 * component after the other, none of them a link, "..", or on another mount.
 */
static int open_in_steps(int dirfd, const char *path, int flags, mode_t mode)
{
	cleanup_close int dir = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t mount = dir < 0 ? 0 : mount_id(dir);

	while (dir >= 0) {
		size_t len = strcspn(path, "/");
		bool last = !path[len + strspn(path + len, "/")];
		char name[NAME_MAX + 1];
		int fd;

		if (len == 0 || len > NAME_MAX) {
			errno = len ? ENAMETOOLONG : *path ? EXDEV : ENOENT;
			return -1;
		}
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			errno = EXDEV;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		fd = openat(dir, name, (last ? flags : O_PATH) | O_NOFOLLOW | O_CLOEXEC,
			mode);
		if (fd >= 0 && (mount == UINT64_MAX || mount_id(fd) != mount)) {
			close(fd);
			errno = EXDEV;
			return -1;
		}
		if (last || fd < 0)
			return fd;
		close(dir);
		dir = fd;
		if (is_link(fd)) {
			errno = ELOOP;
			return -1;
		}
		path += len + strspn(path + len, "/");
	}
	return -1;
}

/* Containers answer ENOSYS, or with older seccomp profiles EPERM. */
static bool have_openat2(void)
{
	static _Atomic int known; /* 1 yes, -1 no */
	struct open_how how = {.flags = O_PATH | O_CLOEXEC};
	long fd;

	if (known)
		return known > 0;
	fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	known = fd < 0 && (errno == ENOSYS || errno == EPERM) ? -1 : 1;
	if (fd >= 0)
		close((int)fd);
	return known > 0;
}

int stage_open_below(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	long fd;

	if (!have_openat2())
		return open_in_steps(dirfd, path, flags, mode);
	/* RESOLVE_BENEATH reports EAGAIN when a rename elsewhere raced with "..". */
	do {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

int stage_openat(const struct stage *s, const char *path, int flags, struct err *e)
{
	cleanup_close int dir = -1;
	const char *rest = path;
	int fd;

	/* The kernel takes at most PATH_MAX bytes at once. */
	while (strlen(rest) >= PATH_MAX) {
		char part[PATH_MAX];
		size_t len = PATH_MAX - 1;

		while (len && rest[len] != '/')
			len--;
		memcpy(part, rest, len);
		part[len] = '\0';
		fd = stage_open_below(
			dir < 0 ? s->root : dir, part, O_PATH | O_DIRECTORY, 0);
		if (fd < 0)
			return err_sys(
				e, path, "%s: cannot open in the staging tree", s->path);
		if (dir >= 0)
			close(dir);
		dir = fd;
		rest += len + 1;
	}
	fd = stage_open_below(dir < 0 ? s->root : dir, *rest ? rest : ".", flags, 0);
	if (fd < 0)
		err_sys(e, *path ? path : "/", "%s: cannot open in the staging tree",
			s->path);
	return fd;
}

int stage_open(struct stage **out, const char *path, struct err *e)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct stat st;

	*out = NULL;
	if (!s)
		return err_set(e, ERR_SYS, "out of memory");
	s->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0) {
		err_sys(e, path, "cannot open the staging tree");
		free(s);
		return -1;
	}
	s->path = realpath(path, NULL);
	if (!s->path || fstat(s->root, &st) < 0) {
		err_sys(e, path, "cannot examine the staging tree");
		stage_close(s);
		return -1;
	}
	if (geteuid() != 0 && st.st_uid != geteuid()) {
		err_set(e, ERR_REFUSED,
			"%s: belongs to user %u, not to you (%u): a staging tree must be "
			"yours",
			s->path, st.st_uid, geteuid());
		stage_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void stage_close(struct stage *s)
{
	if (!s)
		return;
	close(s->root);
	free(s->path);
	free(s);
}

const char *stage_path(const struct stage *s)
{
	return s->path;
}

int stage_root(const struct stage *s)
{
	return s->root;
}

dev_t stage_dev(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

int64_t stage_btime(const struct statx *st)
{
	if (!(st->stx_mask & STATX_BTIME))
		return 0;
	return st->stx_btime.tv_sec * 1000000000 + st->stx_btime.tv_nsec;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct stage_entry *)a)->name,
		((const struct stage_entry *)b)->name);
}

/* Adds a name to the list, not yet examined. */
static int list_add(struct stage_list *l, size_t *room, const char *name, struct err *e)
{
	if (l->count == *room) {
		size_t more = *room ? *room * 2 : 32;
		struct stage_entry *p = reallocarray(l->entries, more, sizeof(*p));

		if (!p)
			return err_set(e, ERR_SYS, "out of memory");
		l->entries = p;
		*room = more;
	}
	l->entries[l->count].name = strdup(name);
	if (!l->entries[l->count].name)
		return err_set(e, ERR_SYS, "out of memory");
	l->count++;
	return 0;
}

static int read_names(int fd, const char *path, struct stage_list *l, struct err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	cleanup_closedir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *de;
	size_t room = 0;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return err_sys(e, path, "cannot read the directory");
	}
	/* The position is the caller's descriptor's too. */
	rewinddir(d);
	while (errno = 0, (de = readdir(d))) {
		const char *n = de->d_name;

		if (n[0] == '.' && (!n[1] || (n[1] == '.' && !n[2])))
			continue;
		if (list_add(l, &room, n, e) < 0)
			return -1;
	}
	return errno ? err_sys(e, path, "cannot read the directory") : 0;
}

int stage_list(int fd, const char *path, struct stage_list *out, struct err *e)
{
	size_t kept = 0;

	*out = (struct stage_list){0};
	if (read_names(fd, path, out, e) < 0)
		goto fail;
	if (out->count)
		qsort(out->entries, out->count, sizeof(*out->entries), by_name);
	for (size_t i = 0; i < out->count; i++) {
		struct stage_entry *s = &out->entries[i];

		if (statx(fd, s->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
			    STATX_BASIC_STATS | STATX_BTIME, &s->st) < 0) {
			if (errno != ENOENT) {
				err_sys(e, s->name, "%s: cannot examine", path);
				goto fail;
			}
			free(s->name);
			s->name = NULL;
			continue;
		}
		if (s->st.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
			errno = EXDEV;
			err_sys(e, s->name,
				"%s: something is mounted in the staging tree", path);
			err_hint(e, "unmount it first");
			goto fail;
		}
		if (kept < i) {
			out->entries[kept] = *s;
			s->name = NULL;
		}
		kept++;
	}
	out->count = kept;
	return 0;
fail:
	stage_list_free(out);
	return -1;
}

void stage_list_free(struct stage_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].name);
	free(l->entries);
	*l = (struct stage_list){0};
}
