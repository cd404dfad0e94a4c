/* SPDX-License-Identifier: MIT */
/* One operation as system calls, below the working directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/view/killed.h"

/* What calls give when the daemon ended before or while they were answered. */
static int result(int rc)
{
	if (rc >= 0)
		return 0;
	return errno == ENOTCONN || errno == ECONNABORTED ? GONE : errno;
}

static int closing(int fd, int rc)
{
	if (fd >= 0)
		close(fd);
	return rc;
}

static int write_all(struct performer *p, int fd, const struct op *op)
{
	static unsigned char data[MAX_FILE];
	size_t len = op->n[1];
	ssize_t n;

	fill(data, len, op->n[2]);
	n = op->kind == OP_APPEND ? write(fd, data, len)
				  : pwrite(fd, data, len, (off_t)op->n[0]);
	if (n < 0)
		return result(-1);
	if ((size_t)n == len)
		return 0;
	/* Cut short: only somebody who is not there any more does that. */
	p->done = (size_t)n;
	return GONE;
}

static int open_and_write(struct performer *p, const struct op *op)
{
	int flags = O_WRONLY | O_CLOEXEC | (op->kind == OP_APPEND ? O_APPEND : 0);
	int fd = open(op->a, flags);

	return fd < 0 ? result(-1) : closing(fd, write_all(p, fd, op));
}

static int map_and_write(const struct op *op)
{
	size_t page = op->n[0] / 4096 * 4096;
	int fd = open(op->a, O_RDWR | O_CLOEXEC);
	unsigned char *at;
	int rc;

	if (fd < 0)
		return result(-1);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)page);
	if (at == MAP_FAILED)
		return closing(fd, result(-1));
	fill(at + (op->n[0] - page), op->n[1], op->n[2]);
	rc = result(msync(at, 4096, MS_SYNC));
	/* A page that could not be written back is an input/output error here. */
	if (rc == EIO)
		rc = GONE;
	munmap(at, 4096);
	return closing(fd, rc);
}

static int create(struct performer *p, const struct op *op)
{
	int fd = open(op->a, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)op->n[0]);

	if (fd < 0)
		return result(-1);
	if (p->held >= 0)
		close(p->held);
	p->held = fd;
	return 0;
}

static int set_xattr(const struct op *op)
{
	unsigned char value[MAX_PATH];

	if (op->kind == OP_RMXATTR)
		return result(lremovexattr(op->a, op->b));
	fill(value, op->n[1], op->n[2]);
	return result(lsetxattr(op->a, op->b, value, op->n[1], 0));
}

static int set_times(const struct op *op)
{
	const struct timespec when[2] = {
		{.tv_nsec = UTIME_OMIT},
		{(time_t)op->n[0], (long)op->n[1]},
	};

	return result(utimensat(AT_FDCWD, op->a, when, AT_SYMLINK_NOFOLLOW));
}

static int sync_one(const struct op *op)
{
	int fd = open(op->a, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? result(-1) : closing(fd, result(fsync(fd)));
}

static int perform_held(struct performer *p, const struct op *op)
{
	switch (op->kind) {
	case OP_HELD_WRITE:
		return write_all(p, p->held, op);
	case OP_HELD_CHMOD:
		return result(fchmod(p->held, (mode_t)op->n[0]));
	case OP_HELD_CHOWN:
		return result(fchown(p->held, (uid_t)op->n[0], (gid_t)op->n[1]));
	case OP_HELD_TRUNCATE:
		return result(ftruncate(p->held, (off_t)op->n[0]));
	case OP_HELD_FSYNC:
		return result(fsync(p->held));
	default:
		return result(syncfs(p->sync_dir));
	}
}

static int perform_name(const struct op *op)
{
	switch (op->kind) {
	case OP_MKDIR:
		return result(mkdir(op->a, (mode_t)op->n[0]));
	case OP_MKNOD:
		return result(mknod(op->a, (mode_t)op->n[0], 0));
	case OP_RMDIR:
		return result(rmdir(op->a));
	case OP_UNLINK:
		return result(unlink(op->a));
	case OP_SYMLINK:
		return result(symlink(op->b, op->a));
	case OP_LINK:
		return result(link(op->a, op->b));
	default:
		return result(renameat2(
			AT_FDCWD, op->a, AT_FDCWD, op->b, (unsigned int)op->n[0]));
	}
}

int perform(struct performer *p, const struct op *op)
{
	p->done = 0;
	switch (op->kind) {
	case OP_CREATE:
		return create(p, op);
	case OP_WRITE:
	case OP_APPEND:
		return open_and_write(p, op);
	case OP_MAP:
		return map_and_write(op);
	case OP_TRUNCATE:
		return result(truncate(op->a, (off_t)op->n[0]));
	case OP_CHMOD:
		return result(chmod(op->a, (mode_t)op->n[0]));
	case OP_CHOWN:
		return result(lchown(op->a, (uid_t)op->n[0], (gid_t)op->n[1]));
	case OP_TIMES:
		return set_times(op);
	case OP_SETXATTR:
	case OP_RMXATTR:
		return set_xattr(op);
	case OP_FSYNC:
		return sync_one(op);
	case OP_HELD_WRITE:
	case OP_HELD_CHMOD:
	case OP_HELD_CHOWN:
	case OP_HELD_TRUNCATE:
	case OP_HELD_FSYNC:
	case OP_SYNCFS:
		return perform_held(p, op);
	default:
		return perform_name(op);
	}
}
