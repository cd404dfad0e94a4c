/* SPDX-License-Identifier: MIT */
/*
 * A private directory for one test program, below $TMPDIR or /tmp, and small verbs for
 * the files in it. scratch_make() goes there; whatever is in it is removed when the
 * process that made it exits. A verb that fails ends the program.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static char scratch_dir[512];
static pid_t scratch_owner;

/* The next thing to remove below fd: a directory's descriptor, or -1 when fd is empty. */
static inline int scratch_descend(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int below = -1;

	while (d && below < 0 && (entry = readdir(d))) {
		const char *n = entry->d_name;

		if (strcmp(n, ".") == 0 || strcmp(n, "..") == 0)
			continue;
		if (unlinkat(fd, n, 0) == 0 || unlinkat(fd, n, AT_REMOVEDIR) == 0)
			continue;
		if (fchmodat(fd, n, 0700, 0) < 0)
			continue;
		below = openat(fd, n, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (d)
		closedir(d);
	return below;
}

/* Empties a directory, however deep: one descriptor is open at a time. Closes fd. */
static inline void scratch_empty(int fd)
{
	for (long depth = 0; fd >= 0 && depth >= 0;) {
		int next = scratch_descend(fd);

		depth += next >= 0 ? 1 : -1;
		if (next < 0 && depth >= 0)
			next = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
}

static inline void scratch_remove(void)
{
	if (getpid() != scratch_owner || chdir("/") < 0)
		return;
	scratch_empty(open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (rmdir(scratch_dir) < 0)
		warn("%s", scratch_dir);
}

static inline void scratch_make(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp || strlen(tmp) > 400)
		tmp = "/tmp";
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/livery-test-XXXXXX", tmp);
	if (!mkdtemp(scratch_dir) || chdir(scratch_dir) < 0)
		err(1, "%s", scratch_dir);
	scratch_owner = getpid();
	umask(022);
	if (atexit(scratch_remove) != 0)
		err(1, "atexit");
}

static inline void put_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd) < 0)
		err(1, "%s", path);
}

static inline void put_text(const char *path, const char *text)
{
	put_file(path, text, strlen(text));
}

static inline void put_dir(const char *path)
{
	if (mkdir(path, 0755) < 0)
		err(1, "%s", path);
}

static inline void put_link(const char *target, const char *path)
{
	if (symlink(target, path) < 0)
		err(1, "%s", path);
}

/* The file's bytes, malloc'd, with a NUL behind them. */
static inline char *get_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	data = malloc((size_t)st.st_size + 1);
	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		err(1, "%s", path);
	data[st.st_size] = '\0';
	close(fd);
	if (len)
		*len = (size_t)st.st_size;
	return data;
}

static inline bool file_is(const char *path, const char *want)
{
	char *data = get_file(path, NULL);
	bool same = strcmp(data, want) == 0;

	free(data);
	return same;
}

static inline bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline void scratch_clear(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return;
	scratch_empty(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (rmdir(path) < 0)
		err(1, "%s", path);
}

/* True where the text is one line of printable UTF-8, as every message must be. */
static inline bool one_line(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return *text;
}

#endif
