/* SPDX-License-Identifier: MIT */
/* What a tree holds at a name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/view/killed.h"

static bool failed(const char *path, const char *call, bool tell)
{
	if (tell)
		fprintf(stderr, "%s: %s: %s\n", path, call, strerror(errno));
	return false;
}

static bool read_all(int fd, struct found *f)
{
	size_t room = (size_t)f->st.st_size + 1;
	ssize_t n;

	f->data = need(malloc(room));
	while ((n = read(fd, f->data + f->size, room - f->size)) > 0)
		f->size += (size_t)n;
	return n == 0;
}

bool look(int dir, const char *name, const char *path, struct found *f, bool tell)
{
	ssize_t n = 0;
	int fd;

	memset(f, 0, sizeof(*f));
	if (fstatat(dir, name, &f->st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(path, "stat", tell);
	if (S_ISLNK(f->st.st_mode)) {
		n = readlinkat(dir, name, f->target, sizeof(f->target) - 1);
		return n >= 0 || failed(path, "readlink", tell);
	}
	if (!S_ISREG(f->st.st_mode) && !S_ISDIR(f->st.st_mode))
		return true;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(path, "open", tell);
	f->list = need(malloc(4096));
	n = flistxattr(fd, f->list, 4096);
	f->list_len = n > 0 ? (size_t)n : 0;
	if (n < 0)
		failed(path, "listxattr", tell);
	if (n >= 0 && S_ISREG(f->st.st_mode) && !read_all(fd, f)) {
		failed(path, "read", tell);
		n = -1;
	}
	close(fd);
	return n >= 0;
}

void look_done(struct found *f)
{
	free(f->data);
	free(f->list);
}

bool same_content(const struct node *n, const struct found *f)
{
	return n->size == f->size && (size_t)f->st.st_size == f->size &&
	       (n->size == 0 || memcmp(n->data, f->data, n->size) == 0);
}

static bool same_value(const struct xattr *x, const char *path)
{
	char value[512];
	ssize_t n = lgetxattr(path, x->name, value, sizeof(value));

	return n == (ssize_t)x->len && memcmp(value, x->value, x->len) == 0;
}

bool same_xattrs(const struct node *n, const char *path, int dir, const char *name,
	const struct found *f)
{
	char proc[MAX_PATH + 64];
	size_t users = 0;

	for (size_t i = 0; i < f->list_len; i += strlen(f->list + i) + 1)
		users += strncmp(f->list + i, "user.", 5) == 0;
	if (users != n->xattr_count)
		return false;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
	for (size_t i = 0; i < n->xattr_count; i++)
		if (!same_value(&n->xattrs[i], proc)) {
			fprintf(stderr, "%s: %s differs\n", path, n->xattrs[i].name);
			return false;
		}
	return true;
}

bool for_names(int dir, bool (*each)(const char *name, void *arg), void *arg)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool all = true;

	if (!d)
		return false;
	for (errno = 0; all && (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			all = each(e->d_name, arg);
	all = all && errno == 0;
	closedir(d);
	return all;
}
