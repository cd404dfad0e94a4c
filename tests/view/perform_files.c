// SPDX-License-Identifier: MIT
/* Operations on open files and their bytes. */
#include "tests/view/random.h"
#include "tests/view/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

static int open_slot(struct worker *w, const struct op *op)
{
	int *slot = &w->fd[op->slot];

	if (*slot >= 0)
		close(*slot);
	/* No open of a fifo may wait. */
	*slot = openat(at(w, op->dir == op->slot ? -1 : op->dir), op->path,
		op->flags | O_NONBLOCK | O_CLOEXEC, op->mode);
	return *slot < 0 ? -1 : 0;
}

static int close_slot(struct worker *w, int slot)
{
	int fd = slot_fd(w, slot);

	if (slot >= 0)
		w->fd[slot] = -1;
	return close(fd);
}

static ssize_t read_slot(const struct worker *w, const struct op *op, struct result *r)
{
	int fd = slot_fd(w, op->slot);
	ssize_t n = op->kind == OP_READ ? read(fd, r->text, op->len)
					: pread(fd, r->text, op->len, op->off);

	r->is_data = true;
	r->len = n > 0 ? (size_t)n : 0;
	return n;
}

static ssize_t write_slot(const struct worker *w, const struct op *op)
{
	char bytes[IO_MAX];
	int fd = slot_fd(w, op->slot);

	random_fill(op->seed, bytes, op->len);
	return op->kind == OP_WRITE ? write(fd, bytes, op->len)
				    : pwrite(fd, bytes, op->len, op->off);
}

/* Only within the file: what is behind its end is a signal. */
static long long map_slot(const struct worker *w, const struct op *op, struct result *r)
{
	int fd = slot_fd(w, op->slot), err = 0;
	bool writes = op->kind == OP_MAP_WRITE;
	size_t len = op->len, start = (size_t)op->off & 4095;
	struct stat st;
	char *p;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || op->off >= st.st_size) {
		say(r, "there is nothing to map\n");
		return 0;
	}
	if ((off_t)len > st.st_size - op->off)
		len = (size_t)(st.st_size - op->off);
	p = mmap(NULL, start + len, writes ? PROT_READ | PROT_WRITE : PROT_READ,
		MAP_SHARED, fd, op->off - (off_t)start);
	if (p == MAP_FAILED)
		return -1;
	if (!writes) {
		r->is_data = true;
		memcpy(r->text, p + start, r->len = len);
	} else {
		random_fill(op->seed, p + start, len);
		if (op->flags && msync(p, start + len, MS_SYNC) < 0)
			err = errno;
	}
	if (munmap(p, start + len) < 0)
		err = errno;
	errno = err;
	return err ? -1 : (long long)len;
}

/*
 * A filesystem may know of a hole or not, and which it is may depend on what was written
 * back so far. What it calls a hole must read as zeros; that much is looked at.
 */
static off_t seek_slot(const struct worker *w, const struct op *op, struct result *r)
{
	int fd = slot_fd(w, op->slot);
	off_t was, found = lseek(fd, op->off, op->flags);
	int err = errno;
	struct stat st;
	char buf[4096];

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		/* Where a directory's entries are is the filesystem's own affair. */
		lseek(fd, 0, SEEK_SET);
		return 0;
	}
	errno = err;
	if (op->flags != SEEK_DATA || found <= op->off)
		return found;
	for (was = op->off; was < found;) {
		size_t want = found - was < (off_t)sizeof(buf) ? (size_t)(found - was)
							       : sizeof(buf);
		ssize_t n = pread(fd, buf, want, was);

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i])
				say(r, "data at %lld was called a hole\n",
					(long long)was + i);
		was += n;
	}
	errno = err;
	return found;
}

static ssize_t copy_slots(const struct worker *w, const struct op *op)
{
	off_t from = op->off, to = op->off2;

	return copy_file_range(
		slot_fd(w, op->slot), &from, slot_fd(w, op->slot2), &to, op->len, 0);
}

/* Locks of open files; a process's own never stand in each other's way. */
static int lock_slot(const struct worker *w, const struct op *op, struct result *r)
{
	struct flock lock = {.l_type = (short)op->flags,
		.l_whence = SEEK_SET,
		.l_start = op->off,
		.l_len = (off_t)op->len};
	int rc = fcntl(slot_fd(w, op->slot),
		op->kind == OP_LOCK ? F_OFD_SETLK : F_OFD_GETLK, &lock);

	if (rc == 0 && op->kind == OP_GETLOCK)
		say(r, "type %d, %lld bytes from %lld\n", lock.l_type,
			(long long)lock.l_len, (long long)lock.l_start);
	return rc;
}

static int stat_filesystem(const struct worker *w, const struct op *op, struct result *r)
{
	struct statfs fs;
	int rc = op->slot >= 0 ? fstatfs(slot_fd(w, op->slot), &fs)
			       : statfs(op->path, &fs);

	if (rc == 0)
		say(r, "names of %lld bytes, %s, %s\n", (long long)fs.f_namelen,
			fs.f_blocks && fs.f_bsize > 0 ? "blocks" : "no blocks",
			fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree
				? "sane"
				: "absurd");
	return rc;
}

bool perform_file(struct worker *w, const struct op *op, struct result *r)
{
	int fd = slot_fd(w, op->slot);

	switch (op->kind) {
	case OP_OPEN:
		r->ret = open_slot(w, op);
		break;
	case OP_CLOSE:
		r->ret = close_slot(w, op->slot);
		break;
	case OP_READ:
	case OP_PREAD:
		r->ret = read_slot(w, op, r);
		break;
	case OP_WRITE:
	case OP_PWRITE:
		r->ret = write_slot(w, op);
		break;
	case OP_MAP_READ:
	case OP_MAP_WRITE:
		r->ret = map_slot(w, op, r);
		break;
	case OP_TRUNCATE:
		r->ret = truncate(op->path, op->off);
		break;
	case OP_FTRUNCATE:
		r->ret = ftruncate(fd, op->off);
		break;
	case OP_FALLOCATE:
		r->ret = fallocate(fd, op->flags, op->off, (off_t)op->len);
		break;
	case OP_SEEK:
		r->ret = seek_slot(w, op, r);
		break;
	case OP_COPY:
		r->ret = copy_slots(w, op);
		break;
	case OP_FSYNC:
		r->ret = fsync(fd);
		break;
	case OP_FDATASYNC:
		r->ret = fdatasync(fd);
		break;
	case OP_FLOCK:
		r->ret = flock(fd, op->flags | LOCK_NB);
		break;
	case OP_LOCK:
	case OP_GETLOCK:
		r->ret = lock_slot(w, op, r);
		break;
	case OP_STATFS:
		r->ret = stat_filesystem(w, op, r);
		break;
	default:
		return false;
	}
	return true;
}
