/* SPDX-License-Identifier: MIT */
#include "run/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"

#define PAGE 4096 /* the smallest: a string is read up to the end of one */

/* ESRCH: it was killed, and nobody waits for the answer. */
static int memory_error(void)
{
	return errno == EFAULT || errno == ESRCH ? -errno : -EIO;
}

int target_read(const struct target *t, uint64_t address, void *to, size_t size)
{
	struct iovec here = {to, size};
	struct iovec there = {(void *)(uintptr_t)address, size}; // NOLINT
	ssize_t n = size ? process_vm_readv(t->tid, &here, 1, &there, 1, 0) : 0;

	if (n < 0)
		return memory_error();
	return (size_t)n == size ? 0 : -EFAULT;
}

int target_write(const struct target *t, uint64_t address, const void *from, size_t size)
{
	struct iovec here = {(void *)(uintptr_t)from, size};
	struct iovec there = {(void *)(uintptr_t)address, size}; // NOLINT
	ssize_t n = size ? process_vm_writev(t->tid, &here, 1, &there, 1, 0) : 0;

	if (n < 0)
		return memory_error();
	return (size_t)n == size ? 0 : -EFAULT;
}

int target_read_struct(
	const struct target *t, uint64_t address, uint64_t size, void *to, size_t known)
{
	unsigned char all[PAGE];
	int rc;

	if (size < known)
		return -EINVAL;
	if (size > sizeof(all))
		return -E2BIG;
	rc = target_read(t, address, all, size);
	if (rc < 0)
		return rc;
	for (size_t i = known; i < size; i++)
		if (all[i])
			return -E2BIG;
	memcpy(to, all, known);
	return 0;
}

int target_string(const struct target *t, uint64_t address, char *to, size_t size)
{
	size_t done = 0;

	/* Page by page: what is behind the string may not be there. */
	while (done < size) {
		size_t step = PAGE - (address + done) % PAGE;
		char *end;
		int rc;

		if (step > size - done)
			step = size - done;
		rc = target_read(t, address + done, to + done, step);
		if (rc < 0)
			return rc;
		end = memchr(to + done, '\0', step);
		if (end)
			return (int)(end - to);
		done += step;
	}
	return -ENAMETOOLONG;
}

int target_open(const struct target *t, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", t->tid, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -EIO : -errno;
	return fd;
}

int target_look(const struct target *t, const char *name, unsigned mask, struct statx *st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", t->tid, name);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, mask, st) == 0)
		return 0;
	return errno == EACCES || errno == EPERM ? -EIO : -errno;
}

int target_fd(const struct target *t, int fd)
{
	char name[32];
	int rc;

	if (fd < 0)
		return -EBADF;
	snprintf(name, sizeof(name), "fd/%d", fd);
	rc = target_open(t, name);
	return rc == -ENOENT ? -EBADF : rc;
}

int target_fd_device(const struct target *t, int fd, uint64_t dev)
{
	struct statx st;
	char name[32];
	int rc;

	if (fd < 0)
		return -EBADF;
	snprintf(name, sizeof(name), "fd/%d", fd);
	rc = target_look(t, name, STATX_TYPE, &st);
	/* A filesystem may keep itself from this process, too: who opens it finds out. */
	if (rc == -EIO)
		return 0;
	if (rc < 0)
		return rc == -ENOENT ? -EBADF : rc;
	return makedev(st.stx_dev_major, st.stx_dev_minor) == dev ? 0 : -EXDEV;
}

/* The value of a line "KEY\tVALUE" of a small file in /proc/TID, with its newline. */
static int proc_value(
	const struct target *t, const char *file, const char *key, char value[256])
{
	cleanup_fclose FILE *f = NULL;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", t->tid, file);
	f = fopen(path, "re");
	if (!f)
		return errno == EACCES || errno == EPERM ? -EIO : -errno;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0) {
			strcpy(value, line + strlen(key));
			return 0;
		}
	return -EIO;
}

static int proc_number(
	const struct target *t, const char *file, const char *key, int base, long *value)
{
	char text[256];
	int rc = proc_value(t, file, key, text);

	if (rc == 0)
		*value = strtol(text, NULL, base);
	return rc;
}

int target_fd_is_path(const struct target *t, int fd)
{
	char path[64], file[48];
	struct stat st;
	long flags = 0;
	int rc;

	/* The link's mode says whether it can be read or written (proc(5)). */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
	if (lstat(path, &st) == 0 && st.st_mode & (S_IRUSR | S_IWUSR))
		return 0;
	/* Those for ioctl(2) only cannot be told from it there. */
	snprintf(file, sizeof(file), "fdinfo/%d", fd);
	rc = proc_number(t, file, "flags:", 8, &flags);
	return rc < 0 ? rc : (flags & O_PATH) != 0;
}

int target_umask(const struct target *t, uint32_t *mask)
{
	long value;
	int rc = proc_number(t, "status", "Umask:", 8, &value);

	*mask = rc < 0 ? 0 : (uint32_t)value & 0777;
	return rc;
}

int target_process(const struct target *t, pid_t *pid)
{
	long value;
	int rc = proc_number(t, "status", "Tgid:", 10, &value);

	*pid = rc < 0 ? 0 : (pid_t)value;
	return rc;
}

/* In each namespace from ours on it has a number; the last one is its own. */
static int own_number(const struct target *t, const char *key, pid_t *number)
{
	char text[256];
	int rc = proc_value(t, "status", key, text);
	const char *last = rc < 0 ? NULL : strrchr(text, '\t');

	*number = last ? (pid_t)strtol(last, NULL, 10) : 0;
	return rc < 0 ? rc : last ? 0 : -EIO;
}

int target_own_numbers(const struct target *t, pid_t *process, pid_t *thread)
{
	int rc = own_number(t, "NStgid:", process);

	return rc < 0 ? rc : own_number(t, "NSpid:", thread);
}

int target_filters(const struct target *t, long *count)
{
	return proc_number(t, "status", "Seccomp_filters:", 10, count);
}
