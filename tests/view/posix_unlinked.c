/* SPDX-License-Identifier: MIT */
/* Files and directories in use that have lost their names. */
#include "tests/view/posix.h"

#include <dirent.h>

TEST(unlinked,
	"an unlinked file: read, write, fstat, fchmod, fchown, ftruncate, futimens")
{
	const struct timespec times[2] = {{100, 1}, {200, 2}};
	char buf[20];
	struct stat before;
	int other, fd;

	put("file", "content");
	fd = works(open("file", O_RDWR));
	other = works(open("file", O_RDONLY));
	before = of_fd(fd);
	tick();
	works(unlink("file"));
	is(of_fd(fd).st_nlink, 0);
	is(of_fd(fd).st_ino, before.st_ino);
	moved_on_fd(fd, &before, CTIME);
	is(read(fd, buf, sizeof(buf)), 7);
	is(memcmp(buf, "content", 7), 0);
	is(write(fd, " and more", 9), 9);
	is(of_fd(other).st_size, 16);
	is(pread(other, buf, sizeof(buf), 8), 8);
	works(fchmod(fd, 06711));
	is(of_fd(fd).st_mode, S_IFREG | 06711);
	works(fchown(fd, 81, 82));
	is(of_fd(fd).st_uid, 81);
	is(of_fd(other).st_gid, 82);
	is(of_fd(fd).st_mode, S_IFREG | 0711);
	works(ftruncate(fd, 3));
	is(of_fd(other).st_size, 3);
	works(futimens(fd, times));
	is(of_fd(fd).st_mtim.tv_sec, 200);
	is(of_fd(fd).st_mtim.tv_nsec, 2);
	works(fallocate(fd, 0, 0, 5000));
	is(of_fd(other).st_size, 5000);
	works(fsync(fd));
	that(missing("file"));
}

TEST(unlinked_replaced, "an unlinked file and a new one of its name are two")
{
	char buf[10];
	int fd;

	put("file", "old");
	fd = works(open("file", O_RDWR));
	works(unlink("file"));
	put("file", "newer");
	works(chmod("file", 0611));
	works(fchmod(fd, 0644));
	works(fchown(fd, 91, 92));
	is(of("file").st_mode, S_IFREG | 0611);
	is(of("file").st_uid, new_uid);
	that(of("file").st_ino != of_fd(fd).st_ino);
	is(pwrite(fd, "O", 1, 0), 1);
	is(pread(fd, buf, sizeof(buf), 0), 3);
	is(memcmp(buf, "Old", 3), 0);
	holds("file", "newer");
	works(close(fd));
	holds("file", "newer");
	is(of("file").st_nlink, 1);
}

TEST(unlinked_reopened, "an unlinked file opened again through /proc")
{
	char path[40], buf[10];
	int fd, again;

	put("file", "text");
	fd = works(open("file", O_RDONLY));
	works(unlink("file"));
	sprintf(path, "/proc/self/fd/%d", fd);
	again = works(open(path, O_RDWR));
	works(close(fd));
	is(write(again, "T", 1), 1);
	is(pread(again, buf, sizeof(buf), 0), 4);
	is(memcmp(buf, "Text", 4), 0);
}

TEST(one_name_unlinked,
	"a file opened by one name, which is then unlinked, has the other")
{
	int fd = open_rw("a");

	works(link("a", "b"));
	works(unlink("a"));
	is(of_fd(fd).st_nlink, 1);
	is(write(fd, "text", 4), 4);
	works(fchmod(fd, 0640));
	holds("b", "text");
	is(of("b").st_mode, S_IFREG | 0640);
}

TEST(removed_directory, "a directory removed while open: ENOENT in it")
{
	int fd;
	DIR *dir;

	works(mkdir("dir", 0755));
	fd = works(open("dir", O_RDONLY | O_DIRECTORY));
	works(rmdir("dir"));
	is(of_fd(fd).st_nlink, 0);
	fails(openat(fd, "file", O_WRONLY | O_CREAT, 0644), ENOENT);
	fails(mkdirat(fd, "sub", 0755), ENOENT);
	fails(symlinkat("x", fd, "link"), ENOENT);
	fails(mkfifoat(fd, "fifo", 0644), ENOENT);
	put("file", "");
	fails(linkat(AT_FDCWD, "file", fd, "link", 0), ENOENT);
	fails(renameat(AT_FDCWD, "file", fd, "file"), ENOENT);
	works(fchmod(fd, 0700));
	is(of_fd(fd).st_mode, S_IFDIR | 0700);
	dir = fdopendir(fd);
	that(dir);
	errno = 0;
	while (readdir(dir))
		;
	that(errno == 0 || errno == ENOENT);
	works(mkdir("dir", 0755));
	works(access("dir", F_OK));
}

TEST(removed_cwd, "the working directory removed: ENOENT in it")
{
	char buf[4096];

	works(mkdir("dir", 0755));
	works(chdir("dir"));
	works(rmdir("../dir"));
	that(getcwd(buf, sizeof(buf)) == NULL);
	is(errno, ENOENT);
	fails(open("file", O_RDWR | O_CREAT, 0644), ENOENT);
	fails(mkdir("sub", 0755), ENOENT);
	fails(rename("none", "other"), ENOENT);
	works(chdir(".."));
	that(missing("dir"));
}
