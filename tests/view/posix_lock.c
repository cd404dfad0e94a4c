/* SPDX-License-Identifier: MIT */
/* flock, fcntl locks. Each try is made by another process. */
#include "tests/view/posix.h"

#include <sys/file.h>

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static int lock(int fd, int command, short type, off_t start, off_t len)
{
	struct flock want = range(type, start, len);

	return fcntl(fd, command, &want);
}

static int try_write(const char *path, off_t start, off_t len, short type, int command)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd == -1 || lock(fd, command, type, start, len) == -1 ? errno : 0;
}
static int write_first(const char *path)
{
	return try_write(path, 0, 10, F_WRLCK, F_SETLK);
}
static int write_second(const char *path)
{
	return try_write(path, 10, 10, F_WRLCK, F_SETLK);
}
static int read_first(const char *path)
{
	return try_write(path, 0, 10, F_RDLCK, F_SETLK);
}
static int write_first_ofd(const char *path)
{
	return try_write(path, 0, 10, F_WRLCK, F_OFD_SETLK);
}

static int flock_exclusive(const char *path)
{
	return flock(open(path, O_RDONLY), LOCK_EX | LOCK_NB) == -1 ? errno : 0;
}
static int flock_shared(const char *path)
{
	return flock(open(path, O_RDONLY), LOCK_SH | LOCK_NB) == -1 ? errno : 0;
}

TEST(fcntl_lock, "fcntl: a range is refused to another process, others are not")
{
	struct flock test = range(F_WRLCK, 5, 1);
	int fd = open_rw("file");
	pid_t pid;

	works(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	is(elsewhere(write_first, "file"), EAGAIN);
	is(elsewhere(read_first, "file"), EAGAIN);
	is(elsewhere(write_second, "file"), 0);
	pid = fork();
	if (pid == 0) {
		works(fcntl(fd, F_GETLK, &test));
		is(test.l_type, F_WRLCK);
		is(test.l_pid, getppid());
		is(test.l_start, 0);
		is(test.l_len, 10);
		_exit(0);
	}
	is(joined(pid), 0);
	works(lock(fd, F_SETLK, F_RDLCK, 0, 10));
	is(elsewhere(read_first, "file"), 0);
	is(elsewhere(write_first, "file"), EAGAIN);
	works(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	is(elsewhere(write_first, "file"), 0);
}

TEST(fcntl_fork, "fcntl: a child does not have its parent's locks")
{
	int fd = open_rw("file");
	pid_t pid;

	works(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = fork();
	if (pid == 0) {
		/* Unlocking in the child takes nothing from the parent. */
		fails_or(lock(fd, F_SETLK, F_WRLCK, 0, 10), EAGAIN, EACCES);
		works(lock(fd, F_SETLK, F_UNLCK, 0, 10));
		_exit(0);
	}
	is(joined(pid), 0);
	is(elsewhere(write_first, "file"), EAGAIN);
}

TEST(fcntl_close, "fcntl: closing any descriptor of the file drops the locks")
{
	int fd = open_rw("file");

	works(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	works(close(works(open("file", O_RDONLY))));
	is(elsewhere(write_first, "file"), 0);
}

TEST(fcntl_waits, "fcntl: F_SETLKW waits until the other is done")
{
	int ready[2], fd = open_rw("file");
	pid_t pid;
	char c;

	works(pipe(ready));
	pid = fork();
	if (pid == 0) {
		works(lock(fd, F_SETLK, F_WRLCK, 0, 10));
		is(write(ready[1], "x", 1), 1);
		tick();
		tick();
		works(pwrite(fd, "done", 4, 0));
		_exit(0);
	}
	is(read(ready[0], &c, 1), 1);
	works(lock(fd, F_SETLKW, F_WRLCK, 0, 10));
	holds("file", "done");
	is(joined(pid), 0);
}

TEST(fcntl_errors, "fcntl: locks need a descriptor of that mode, and a good range")
{
	int in, out;

	put("file", "");
	in = works(open("file", O_RDONLY));
	out = works(open("file", O_WRONLY));
	fails(lock(in, F_SETLK, F_WRLCK, 0, 10), EBADF);
	fails(lock(out, F_SETLK, F_RDLCK, 0, 10), EBADF);
	fails(lock(in, F_SETLK, F_RDLCK, -1, 10), EINVAL);
	fails(lock(in, F_SETLK, 77, 0, 10), EINVAL);
	works(lock(in, F_SETLK, F_RDLCK, 0, 10));
}

TEST(ofd_lock,
	"fcntl: open-file-description locks stay until the last descriptor is closed")
{
	int fd = open_rw("file"), copy;

	works(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	is(elsewhere(write_first_ofd, "file"), EAGAIN);
	is(elsewhere(write_first, "file"), EAGAIN);
	works(close(works(open("file", O_RDONLY))));
	copy = works(dup(fd));
	works(close(fd));
	is(elsewhere(write_first_ofd, "file"), EAGAIN);
	works(close(copy));
	is(elsewhere(write_first_ofd, "file"), 0);
}

TEST(flock_kinds, "flock: exclusive and shared, by several names, on directories")
{
	int fd = open_rw("file"), dir;

	works(link("file", "other"));
	works(flock(fd, LOCK_EX));
	is(elsewhere(flock_exclusive, "file"), EAGAIN);
	is(elsewhere(flock_shared, "other"), EAGAIN);
	works(flock(fd, LOCK_SH));
	is(elsewhere(flock_shared, "other"), 0);
	is(elsewhere(flock_exclusive, "other"), EAGAIN);
	works(flock(fd, LOCK_UN));
	is(elsewhere(flock_exclusive, "file"), 0);
	dir = works(open(".", O_RDONLY));
	works(flock(dir, LOCK_EX | LOCK_NB));
	is(elsewhere(flock_exclusive, "."), EAGAIN);
	works(rename("file", "renamed"));
	works(flock(fd, LOCK_EX | LOCK_NB));
	is(elsewhere(flock_exclusive, "renamed"), EAGAIN);
	fails(flock(fd, 77), EINVAL);
}

TEST(flock_fork, "flock: is shared over fork, and goes with the last descriptor")
{
	int ready[2], done[2], fd = open_rw("file");
	pid_t pid;
	char c;

	works(pipe(ready));
	works(pipe(done));
	works(flock(fd, LOCK_EX));
	pid = fork();
	if (pid == 0) {
		works(flock(fd, LOCK_EX | LOCK_NB));
		is(write(ready[1], "x", 1), 1);
		is(read(done[0], &c, 1), 1);
		_exit(0);
	}
	is(read(ready[0], &c, 1), 1);
	works(close(fd));
	is(elsewhere(flock_exclusive, "file"), EAGAIN);
	is(write(done[1], "x", 1), 1);
	is(joined(pid), 0);
	is(elsewhere(flock_exclusive, "file"), 0);
}

TEST(flock_and_fcntl, "flock and fcntl do not see each other")
{
	int fd = open_rw("file");

	works(flock(fd, LOCK_EX));
	is(elsewhere(write_first, "file"), 0);
	works(flock(fd, LOCK_UN));
	works(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	is(elsewhere(flock_exclusive, "file"), 0);
}

TEST(lock_unlinked, "locks on an unlinked file, and on a new one of its name")
{
	int fd = open_rw("file");

	works(flock(fd, LOCK_EX));
	works(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	works(unlink("file"));
	put("file", "");
	is(elsewhere(flock_exclusive, "file"), 0);
	is(elsewhere(write_first, "file"), 0);
	works(lock(fd, F_SETLK, F_UNLCK, 0, 10));
}
