/* SPDX-License-Identifier: MIT */
/* What Linux has beyond POSIX, and programs that build use. */
#include "tests/view/posix.h"

#include <linux/fs.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

TEST(send_file, "sendfile and splice: from a file to a file")
{
	int in, out, ends[2];
	off_t from = 2;

	put("in", "0123456789");
	in = works(open("in", O_RDONLY));
	out = open_rw("out");
	is(sendfile(out, in, &from, 100), 8);
	is(from, 10);
	works(pipe(ends));
	is(splice(in, NULL, ends[1], NULL, 4, 0), 4);
	is(splice(ends[0], NULL, out, NULL, 4, 0), 4);
	holds("out", "234567890123");
}

TEST(path_descriptor, "O_PATH: fstat, fchdir, openat, readlinkat; no reading")
{
	char buf[10];
	int fd;

	works(mkdir("dir", 0755));
	put("dir/file", "text");
	works(symlink("file", "dir/link"));
	fd = works(open("dir/file", O_PATH));
	is(of_fd(fd).st_size, 4);
	fails(read(fd, buf, 1), EBADF);
	fails(ftruncate(fd, 0), EBADF);
	sprintf(buf, "%d", fd);
	fd = works(open("dir/link", O_PATH | O_NOFOLLOW));
	is(readlinkat(fd, "", buf, sizeof(buf)), 4);
	fails(openat(fd, "x", O_RDONLY), ENOTDIR);
	fd = works(open("dir", O_PATH | O_DIRECTORY));
	works(openat(fd, "file", O_RDWR));
	works(fchdir(fd));
	works(access("file", F_OK));
	fails(unlinkat(fd, "none", 0), ENOENT);
	works(unlinkat(fd, "file", 0));
	fails(openat(fd, "file", O_RDONLY), ENOENT);
}

TEST(statx_fields, "statx: what stat says, on a descriptor as well")
{
	struct statx x;
	struct stat st;

	put("file", "text");
	works(chown("file", 5, 6));
	st = of("file");
	works(statx(open("file", O_PATH), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
	is(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	is(x.stx_ino, st.st_ino);
	is(x.stx_mode, st.st_mode);
	is(x.stx_uid, 5);
	is(x.stx_gid, 6);
	is(x.stx_size, 4);
	is(x.stx_nlink, 1);
	is(x.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
	is(makedev(x.stx_dev_major, x.stx_dev_minor), st.st_dev);
	works(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
	works(statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	fails(statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, STATX_SIZE, &x), EINVAL);
}

static int leave_whiteout(const char *from, const char *to, unsigned flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_WHITEOUT | flags);
}

static void is_whiteout(const char *name)
{
	struct stat st = of(name);

	is(st.st_mode, S_IFCHR);
	is(st.st_rdev, 0);
	is(st.st_nlink, 1);
	is(st.st_size, 0);
}

TEST(whiteout, "rename WHITEOUT")
{
	put("from", "text");
	works(leave_whiteout("from", "to", 0));
	is_whiteout("from");
	holds("to", "text");
	works(unlink("from"));
	fails(access("from", F_OK), ENOENT);
}

TEST(whiteout_kinds, "rename WHITEOUT of a directory, a symlink, a whiteout")
{
	works(mkdir("dir", 0700));
	put("dir/inner", "in it");
	works(leave_whiteout("dir", "moved", 0));
	is_whiteout("dir");
	holds("moved/inner", "in it");
	works(symlink("nowhere", "link"));
	works(leave_whiteout("link", "moved/link", 0));
	is_whiteout("link");
	is(of("moved/link").st_mode & S_IFMT, S_IFLNK);
	works(leave_whiteout("link", "again", 0));
	is_whiteout("link");
	is_whiteout("again");
	works(rename("again", "dir"));
	is_whiteout("dir");
}

TEST(whiteout_over, "rename WHITEOUT over what is there")
{
	put("from", "text");
	put("to", "goes");
	works(leave_whiteout("from", "to", 0));
	is_whiteout("from");
	holds("to", "text");
	put("other", "another");
	works(link("other", "name"));
	works(leave_whiteout("other", "name", 0)); /* one file: nothing is done */
	holds("other", "another");
	works(leave_whiteout("to", "other", 0));
	is_whiteout("to");
	holds("other", "text");
	holds("name", "another");
}

TEST(whiteout_refused, "rename WHITEOUT: what is refused")
{
	struct stat before;

	put("from", "text");
	put("to", "stays");
	works(mkdir("dir", 0700));
	before = of(".");
	tick();
	fails(leave_whiteout("nothing", "new", 0), ENOENT);
	fails(leave_whiteout("from", "to", RENAME_NOREPLACE), EEXIST);
	fails(leave_whiteout("from", "to", RENAME_EXCHANGE), EINVAL);
	fails(leave_whiteout("from", "dir", 0), EISDIR);
	fails(leave_whiteout("dir", "to", 0), ENOTDIR);
	fails(leave_whiteout("dir", "dir/in", 0), EINVAL);
	is(of(".").st_mtime, before.st_mtime);
	is(of(".").st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	holds("from", "text");
	holds("to", "stays");
	works(leave_whiteout("from", "new", RENAME_NOREPLACE));
	is_whiteout("from");
	holds("new", "text");
}

TEST(lease, "fcntl: F_SETLEASE")
{
	int fd;

	put("file", "text");
	fd = works(open("file", O_RDONLY));
	works(fcntl(fd, F_SETLEASE, F_RDLCK));
	is(fcntl(fd, F_GETLEASE), F_RDLCK);
}

TEST(watches, "inotify: what happens in a directory is told")
{
	static const struct {
		uint32_t event;
		const char *name;
	} want[] = {{IN_CREATE, "file"}, {IN_MODIFY, "file"}, {IN_ATTRIB, "file"},
		{IN_MOVED_FROM, "file"}, {IN_MOVED_TO, "new"}, {IN_DELETE, "new"},
		{IN_CREATE | IN_ISDIR, "dir"}, {IN_DELETE | IN_ISDIR, "dir"}};
	_Alignas(struct inotify_event) char buf[4096];
	int fd = works(inotify_init1(IN_NONBLOCK));
	size_t seen = 0;
	ssize_t len;

	works(inotify_add_watch(
		fd, ".", IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_MOVE | IN_DELETE));
	put("file", "x");
	works(chmod("file", 0600));
	works(rename("file", "new"));
	works(unlink("new"));
	works(mkdir("dir", 0755));
	works(rmdir("dir"));
	len = works(read(fd, buf, sizeof(buf)));
	for (char *p = buf; p < buf + len;) {
		const struct inotify_event *e = (const struct inotify_event *)p;

		that(seen < COUNT(want));
		is(e->mask, want[seen].event);
		is(strcmp(e->name, want[seen].name), 0);
		seen++;
		p += sizeof(*e) + e->len;
	}
	is(seen, COUNT(want));
}

TEST(advice, "posix_fadvise, readahead, madvise, sync_file_range work")
{
	int fd;
	char *map;

	put("file", "text");
	fd = works(open("file", O_RDWR));
	is(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	is(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	works(readahead(fd, 0, 4096));
	works(sync_file_range(fd, 0, 4, SYNC_FILE_RANGE_WRITE));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	that(map != MAP_FAILED);
	works(madvise(map, 4096, MADV_WILLNEED));
	is(poll(&(struct pollfd){fd, POLLIN | POLLOUT, 0}, 1, 0), 1);
	holds("file", "text");
}

TEST(exec_descriptor, "fexecve and a script: programs run from here")
{
	int fd = works(open("script", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	pid_t pid;

	is(dprintf(fd, "#!/bin/sh\nexit 7\n"), 17);
	works(close(fd));
	pid = fork();
	if (pid == 0) {
		execl("./script", "script", NULL);
		_exit(99);
	}
	is(joined(pid), 7);
	pid = fork();
	if (pid == 0) {
		char *argv[] = {strdup("script"), NULL};

		fd = works(open("script", O_RDONLY));
		fexecve(fd, argv, argv + 1);
		_exit(99);
	}
	is(joined(pid), 7);
}

TEST(attributes_of_link, "AT_EMPTY_PATH, /proc/self/fd: change what a descriptor is of")
{
	char path[40];
	int fd;

	put("file", "text");
	fd = works(open("file", O_PATH));
	sprintf(path, "/proc/self/fd/%d", fd);
	works(rename("file", "moved"));
	works(chmod(path, 0604));
	works(chown(path, 8, 9));
	works(truncate(path, 2));
	works(utimensat(AT_FDCWD, path, (struct timespec[2]){{5, 0}, {6, 0}}, 0));
	is(of("moved").st_mode, S_IFREG | 0604);
	is(of("moved").st_gid, 9);
	is(of("moved").st_size, 2);
	is(of("moved").st_mtim.tv_sec, 6);
}
