/* SPDX-License-Identifier: MIT */
/* A private directory of a fuzz target, removed at exit, and what empties directories. */
#ifndef TESTS_FUZZ_SCRATCH_H
#define TESTS_FUZZ_SCRATCH_H

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[] = "/tmp/livery-fuzz-XXXXXX";
static int scratch_fd = -1;

/* Removes what is in the directory open at fd, and closes it. */
static inline void scratch_empty(int fd)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		const char *n = entry->d_name;
		int below;

		if (strcmp(n, ".") == 0 || strcmp(n, "..") == 0 ||
			unlinkat(fd, n, 0) == 0)
			continue;
		if (unlinkat(fd, n, AT_REMOVEDIR) == 0)
			continue;
		below = openat(fd, n, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			err(1, "%s/…/%s", scratch_dir, n);
		scratch_empty(below);
		unlinkat(fd, n, AT_REMOVEDIR);
	}
	closedir(d);
}

static inline void scratch_clear(const char *name)
{
	int fd;

	if (unlinkat(scratch_fd, name, 0) == 0)
		return;
	fd = openat(scratch_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	scratch_empty(fd);
	unlinkat(scratch_fd, name, AT_REMOVEDIR);
}

static inline void scratch_remove(void)
{
	scratch_empty(dup(scratch_fd));
	rmdir(scratch_dir);
}

/* Once; names are then relative to scratch_fd. */
static inline void scratch_make(void)
{
	if (scratch_fd >= 0)
		return;
	if (!mkdtemp(scratch_dir))
		err(1, "mkdtemp");
	scratch_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch_fd < 0 || atexit(scratch_remove) != 0)
		err(1, "%s", scratch_dir);
	umask(022);
}

static inline void scratch_put(const char *name, const void *data, size_t size)
{
	int fd = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		err(1, "%s/%s", scratch_dir, name);
}

static inline void scratch_path(char path[64], const char *name)
{
	snprintf(path, 64, "%s/%s", scratch_dir, name);
}

#endif
