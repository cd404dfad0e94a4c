/* SPDX-License-Identifier: MIT */
/* open with its flags, programs that run. */
#include "tests/view/posix.h"

#include <linux/openat2.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

TEST(excl_symlink, "open: O_CREAT|O_EXCL on a symlink is EEXIST")
{
	works(symlink("none", "dangling"));
	fails(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	that(missing("none"));
	put("file", "");
	works(symlink("file", "link"));
	fails(open("link", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	fails(open("link", O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0644), EEXIST);
}

TEST(create_through_symlink, "open: O_CREAT through a dangling symlink makes its target")
{
	works(mkdir("dir", 0755));
	works(symlink("dir/new", "link"));
	works(close(works(open("link", O_CREAT | O_WRONLY, 0640))));
	is(of("dir/new").st_mode, S_IFREG | 0640);
	that(S_ISLNK(of("link").st_mode));
	works(symlink("none/new", "lost"));
	fails(open("lost", O_CREAT | O_WRONLY, 0640), ENOENT);
}

TEST(nofollow, "open: O_NOFOLLOW on a symlink is ELOOP, on the way it is followed")
{
	works(mkdir("dir", 0755));
	put("dir/file", "text");
	works(symlink("dir/file", "link"));
	works(symlink("dir", "to dir"));
	works(symlink("none", "dangling"));
	fails(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	fails(open("dangling", O_RDONLY | O_NOFOLLOW), ELOOP);
	fails(open("dangling", O_RDWR | O_CREAT | O_NOFOLLOW, 0644), ELOOP);
	fails(open("to dir", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	works(open("to dir/file", O_RDONLY | O_NOFOLLOW));
	that(S_ISLNK(of_fd(works(open("link", O_PATH | O_NOFOLLOW))).st_mode));
}

TEST(directory_flag, "open: O_DIRECTORY on what is none is ENOTDIR")
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		make(kind, kind_names[kind]);
		if (is_dir(kind))
			works(open(kind_names[kind], O_RDONLY | O_DIRECTORY));
		else if (kind != SYMLINK)
			fails(open(kind_names[kind], O_RDONLY | O_DIRECTORY), ENOTDIR);
	}
}

TEST(directory_to_write, "open: a directory to write, or with O_CREAT, is EISDIR")
{
	works(mkdir("dir", 0755));
	fails(open("dir", O_WRONLY), EISDIR);
	fails(open("dir", O_RDWR), EISDIR);
	fails(open("dir", O_RDONLY | O_CREAT, 0644), EISDIR);
	fails(open("dir", O_WRONLY | O_TRUNC), EISDIR);
	fails(open("dir", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	fails(open(".", O_RDWR), EISDIR);
	works(symlink("dir", "link"));
	fails(open("link", O_RDWR | O_CREAT, 0644), EISDIR);
}

TEST(directory_read, "read, write: a directory is EISDIR, or EBADF")
{
	char buf[10];
	int fd = works(open(".", O_RDONLY));

	fails(read(fd, buf, sizeof(buf)), EISDIR);
	fails(write(fd, buf, sizeof(buf)), EBADF);
	fails_or(ftruncate(fd, 0), EINVAL, EBADF);
}

TEST(trunc_keeps, "open: O_TRUNC keeps mode, owner and inode, and changes times")
{
	struct stat before;

	put("file", "text");
	works(chown("file", 71, 72));
	works(chmod("file", 04751));
	before = of("file");
	tick();
	works(close(works(open("file", O_WRONLY | O_TRUNC | O_CREAT, 0600))));
	is(of("file").st_size, 0);
	is(of("file").st_mode, S_IFREG | 04751);
	is(of("file").st_uid, 71);
	is(of("file").st_gid, 72);
	is(of("file").st_ino, before.st_ino);
	moved_on("file", &before, MTIME | CTIME);
	before = of("file");
	tick();
	works(close(works(open("file", O_WRONLY | O_TRUNC))));
	moved_on("file", &before, MTIME | CTIME);
}

TEST(create_existing, "open: O_CREAT of an existing file changes nothing")
{
	struct stat before, directory;

	put("file", "text");
	works(chmod("file", 0400));
	before = of("file");
	directory = of(".");
	tick();
	works(close(works(open("file", O_RDWR | O_CREAT, 0777))));
	moved_on("file", &before, 0);
	moved_on(".", &directory, 0);
	is(of("file").st_mode, S_IFREG | 0400);
	holds("file", "text");
}

TEST(create_unreadable, "open: O_RDWR|O_CREAT with mode 0 can be written and read")
{
	char buf[4];
	int fd = works(open("file", O_RDWR | O_CREAT | O_EXCL, 0));

	is(write(fd, "text", 4), 4);
	is(pread(fd, buf, 4, 0), 4);
	is(of_fd(fd).st_mode, S_IFREG);
}

TEST(access_mode, "open: what was opened to read cannot be written, and the other way")
{
	char buf[4];
	int in, out;

	put("file", "text");
	in = works(open("file", O_RDONLY));
	out = works(open("file", O_WRONLY));
	fails(write(in, buf, 1), EBADF);
	fails(read(out, buf, 1), EBADF);
	fails(ftruncate(in, 0), EINVAL);
	fails(fallocate(in, 0, 0, 10), EBADF);
	is(read(in, buf, 4), 4);
}

TEST(append_two, "open: O_APPEND from two descriptors")
{
	int a = works(open("file", O_WRONLY | O_CREAT | O_APPEND, 0644));
	int b = works(open("file", O_WRONLY | O_APPEND));

	is(write(a, "one", 3), 3);
	is(write(b, "two", 3), 3);
	is(write(a, "three", 5), 5);
	works(lseek(b, 0, SEEK_SET));
	is(write(b, "four", 4), 4);
	/* Linux appends with pwrite, too. */
	is(pwrite(a, "five", 4, 0), 4);
	holds("file", "onetwothreefourfive");
	is(lseek(b, 0, SEEK_CUR), 15);
}

TEST(append_processes, "open: O_APPEND from two processes, no record is lost or cut")
{
	char record[32], got[32];
	int fd = works(open("file", O_RDWR | O_CREAT | O_APPEND, 0644));
	pid_t pid = fork();
	char letter = pid ? 'a' : 'b';

	memset(record, letter, sizeof(record));
	for (int i = 0; i < 300; i++)
		is(write(fd, record, sizeof(record)), sizeof(record));
	if (pid == 0)
		_exit(0);
	is(joined(pid), 0);
	is(of_fd(fd).st_size, 600 * 32);
	for (int i = 0; i < 600; i++) {
		is(pread(fd, got, sizeof(got), i * 32), sizeof(got));
		for (size_t j = 1; j < sizeof(got); j++)
			is(got[j], got[0]);
	}
}

TEST(fcntl_append, "fcntl: O_APPEND set later")
{
	int fd;

	put("file", "text");
	fd = works(open("file", O_RDWR));
	is(write(fd, "T", 1), 1);
	works(fcntl(fd, F_SETFL, O_APPEND));
	is(write(fd, "more", 4), 4);
	works(fcntl(fd, F_SETFL, 0));
	is(pwrite(fd, "E", 1, 1), 1);
	holds("file", "TExtmore");
}

TEST(noatime, "open: O_NOATIME")
{
	put("file", "text");
	works(open("file", O_RDONLY | O_NOATIME));
	fails(open("file", O_RDONLY | O_NOATIME | O_CREAT | O_EXCL, 0644), EEXIST);
	fails(open(".", O_RDONLY | O_NOATIME | O_CREAT, 0644), EISDIR);
	works(open("new", O_WRONLY | O_NOATIME | O_CREAT | O_EXCL, 0444));
	is(of("new").st_mode, S_IFREG | 0444);
	works(symlink("made", "link"));
	fails(open("link", O_RDWR | O_NOATIME | O_CREAT | O_EXCL, 0644), EEXIST);
	works(open("link", O_RDWR | O_NOATIME | O_CREAT, 0644));
	is(of("made").st_mode, S_IFREG | 0644);
	works(mkfifo("fifo", 0600));
	fails(open("fifo", O_WRONLY | O_NOATIME | O_NONBLOCK), ENXIO);
	make(SOCKET, "socket");
	fails(open("socket", O_RDONLY | O_NOATIME), ENXIO);
}

static long open_how(struct open_how *how, size_t size)
{
	return syscall(SYS_openat2, AT_FDCWD, "file", how, size);
}

TEST(openat2_strict, "openat2: structures of other sizes, and what it does not know")
{
	struct {
		struct open_how how;
		unsigned long long more;
	} o = {.how.flags = O_RDONLY};

	put("file", "");
	works(open_how(&o.how, sizeof(o.how)));
	works(open_how(&o.how, sizeof(o)));
	fails(open_how(&o.how, 8), EINVAL);
	o.more = 1;
	fails(open_how(&o.how, sizeof(o)), E2BIG);
	o.how.mode = 02755;
	fails(open_how(&o.how, sizeof(o.how)), EINVAL);
	o.how.flags = O_WRONLY | O_CREAT;
	works(open_how(&o.how, sizeof(o.how)));
	o.how.mode = 012755;
	fails(open_how(&o.how, sizeof(o.how)), EINVAL);
	o.how.mode = 02755;
	o.how.flags = 1ull << 40;
	fails(open_how(&o.how, sizeof(o.how)), EINVAL);
	fails(syscall(SYS_openat2, AT_FDCWD, "file", bad_pointer(), sizeof(o)), EFAULT);
}

TEST(tmpfile_flag, "open: O_TMPFILE, and a name for it later")
{
	int fd = works(open(".", O_TMPFILE | O_RDWR, 0640));
	char path[40];

	is(write(fd, "text", 4), 4);
	is(of_fd(fd).st_nlink, 0);
	sprintf(path, "/proc/self/fd/%d", fd);
	works(linkat(AT_FDCWD, path, AT_FDCWD, "file", AT_SYMLINK_FOLLOW));
	is(of("file").st_mode, S_IFREG | 0640);
	is(of("file").st_ino, of_fd(fd).st_ino);
	is(of_fd(fd).st_nlink, 1);
	holds("file", "text");
	works(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
	is(of("again").st_nlink, 2);
	works(unlink("again"));
	works(unlink("file"));
	fails(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(tmpfile_kinds, "open: O_TMPFILE: what it may be, and what is refused")
{
	char path[40];
	int fd;

	works(mkdir("dir", 0700));
	umask(022);
	fd = works(open("dir", O_TMPFILE | O_WRONLY, 04777));
	is(of_fd(fd).st_mode, S_IFREG | 04755);
	is(of_fd(fd).st_size, 0);
	is(of("dir").st_nlink, 2);
	works(rmdir("dir")); /* it is in no directory */
	is(write(fd, "text", 4), 4);
	works(fchmod(fd, 0600));
	works(fchown(fd, 12, 13));
	works(fsetxattr(fd, "user.a", "b", 1, 0));
	is(of_fd(fd).st_mode, S_IFREG | 0600);
	is(of_fd(fd).st_uid, 12);
	sprintf(path, "/proc/self/fd/%d", fd);
	works(linkat(AT_FDCWD, path, AT_FDCWD, "file", AT_SYMLINK_FOLLOW));
	is(of("file").st_gid, 13);
	is(getxattr("file", "user.a", NULL, 0), 1);
	holds("file", "text");
	fd = works(open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600));
	sprintf(path, "/proc/self/fd/%d", fd);
	fails(linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW), ENOENT);
	fails(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	fails(open("file", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	fails(open("nothing", O_TMPFILE | O_RDWR, 0600), ENOENT);
}

TEST(sync_calls, "fsync, fdatasync, syncfs, O_SYNC; on directories, too")
{
	int fd = works(open("file", O_RDWR | O_CREAT | O_SYNC, 0644));
	int dir = works(open(".", O_RDONLY | O_DIRECTORY));

	is(write(fd, "text", 4), 4);
	works(fsync(fd));
	works(fdatasync(fd));
	works(fsync(dir));
	works(fdatasync(dir));
	works(syncfs(fd));
	works(unlink("file"));
	works(fsync(fd));
	fails(fsync(-1), EBADF);
}

TEST(file_limit, "write, truncate: beyond RLIMIT_FSIZE is EFBIG")
{
	int fd = open_rw("file");

	signal(SIGXFSZ, SIG_IGN);
	works(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000}));
	fails(ftruncate(fd, 1001), EFBIG);
	fails(truncate("file", 5000), EFBIG);
	fails(pwrite(fd, "x", 1, 1000), EFBIG);
	is(of_fd(fd).st_size, 0);
	is(pwrite(fd, "xyz", 3, 998), 2);
	is(of_fd(fd).st_size, 1000);
	works(truncate("file", 1000));
}

TEST(bad_buffers, "read, write: a bad pointer is EFAULT, a negative offset EINVAL")
{
	int fd;

	put("file", "text");
	fd = works(open("file", O_RDWR));
	fails(syscall(SYS_write, fd, bad_pointer(), 10L), EFAULT);
	fails(syscall(SYS_read, fd, bad_pointer(), 10L), EFAULT);
	is(of_fd(fd).st_size, 4);
	fails(pread(fd, &(char){0}, 1, -1), EINVAL);
	fails(lseek(fd, -1, SEEK_SET), EINVAL);
	is(lseek(fd, 0, SEEK_CUR), 0);
}

/* --- running programs */

static pid_t start(const char *program, int *stop)
{
	int ends[2];
	pid_t pid;

	works(pipe2(ends, O_CLOEXEC));
	pid = works(fork());
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		execl(program, program, "--idle", NULL);
		_exit(99);
	}
	*stop = ends[1];
	/* It runs as soon as its own name is what /proc has. */
	for (int i = 0; i < 500; i++) {
		char path[40], exe[4096];
		ssize_t len;

		sprintf(path, "/proc/%d/exe", pid);
		len = readlink(path, exe, sizeof(exe) - 1);
		exe[len > 0 ? len : 0] = 0;
		if (strstr(exe, "/test/"))
			break;
		tick();
	}
	return pid;
}

static void copy_program(const char *path)
{
	int in = works(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	int out = works(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	char buf[65536];
	ssize_t len;

	while ((len = works(read(in, buf, sizeof(buf)))) > 0)
		is(write(out, buf, len), len);
	works(close(out));
}

TEST(text_busy, "open: a program that runs cannot be opened to write: ETXTBSY")
{
	int stop;
	pid_t pid;

	copy_program("program");
	pid = start("./program", &stop);
	fails(open("program", O_WRONLY), ETXTBSY);
	fails(open("program", O_RDWR), ETXTBSY);
	fails(open("program", O_WRONLY | O_TRUNC), ETXTBSY);
	fails(truncate("program", 0), ETXTBSY);
	works(open("program", O_RDONLY));
	works(chmod("program", 0700));
	works(rename("program", "renamed"));
	works(unlink("renamed"));
	works(close(stop));
	is(joined(pid), 0);
}

TEST(exec_busy, "exec: a program that is open to write is ETXTBSY")
{
	int fd, stop;

	copy_program("program");
	fd = works(open("program", O_WRONLY | O_CLOEXEC));
	fails(execl("./program", "./program", "--idle", NULL), ETXTBSY);
	works(close(fd));
	fd = start("./program", &stop);
	works(close(stop));
	is(joined(fd), 0);
	works(open("program", O_WRONLY));
}

TEST(vectors, "readv, writev, pread past the end, a write past the end")
{
	char a[3] = "abc", b[4] = "defg", buf[20];
	struct iovec out[2] = {{a, 3}, {b, 4}};
	int fd = open_rw("file");

	is(writev(fd, out, 2), 7);
	is(pread(fd, buf, 20, 7), 0);
	is(pread(fd, buf, 20, 5), 2);
	is(pwrite(fd, "z", 1, 10), 1);
	is(pread(fd, buf, 20, 6), 5);
	is(memcmp(buf, "g\0\0\0z", 5), 0);
	is(write(fd, "", 0), 0);
	is(of_fd(fd).st_size, 11);
}
