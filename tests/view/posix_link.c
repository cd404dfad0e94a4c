/* SPDX-License-Identifier: MIT */
/* link, unlink, symlink, mkdir, rmdir, mkfifo and mknod. */
#include "tests/view/posix.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void link_kind(const void *arg)
{
	const enum kind *kind = arg;
	struct stat before, directory;

	works(mkdir("dir", 0755));
	make(*kind, "name");
	before = of("name");
	directory = of("dir");
	tick();
	works(link("name", "dir/other"));
	is(of("name").st_nlink, 2);
	is(of("dir/other").st_nlink, 2);
	is(of("dir/other").st_ino, before.st_ino);
	is(of("dir/other").st_mode, before.st_mode);
	is(of("dir").st_nlink, 2);
	moved_on("name", &before, CTIME);
	moved_on("dir", &directory, MTIME | CTIME);
	works(link("dir/other", "third"));
	is(of("name").st_nlink, 3);
	before = of("third");
	directory = of(".");
	tick();
	works(unlink("name"));
	is(of("third").st_nlink, 2);
	moved_on("third", &before, CTIME);
	moved_on(".", &directory, MTIME | CTIME);
	works(unlink("dir/other"));
	is(of("third").st_nlink, 1);
	is(of("third").st_ino, before.st_ino);
	works(unlink("third"));
	that(missing("third"));
}

static void unlink_kind(const void *arg)
{
	const enum kind *kind = arg;
	struct stat directory;

	works(mkdir("dir", 0755));
	make(*kind, "dir/name");
	directory = of("dir");
	tick();
	fails(unlink("dir/none"), ENOENT);
	moved_on("dir", &directory, 0);
	works(unlink("dir/name"));
	that(missing("dir/name"));
	moved_on("dir", &directory, MTIME | CTIME);
	fails(unlink("dir/name"), ENOENT);
	make(*kind, "dir/name");
	is(of("dir/name").st_nlink, 1);
}

static void rmdir_kind(const void *arg)
{
	const enum kind *kind = arg;
	struct stat before, directory;

	make(*kind, "name");
	before = of("name");
	directory = of(".");
	tick();
	fails(rmdir("name"), ENOTDIR);
	moved_on("name", &before, 0);
	moved_on(".", &directory, 0);
}

TESTS(kinds)
{
	static const enum kind all[] = {REGULAR, SYMLINK, FIFO, SOCKET};

	for (size_t i = 0; i < COUNT(all); i++) {
		posix_add(link_kind, &all[i], "link: a %s", kind_names[all[i]]);
		posix_add(unlink_kind, &all[i], "unlink: a %s", kind_names[all[i]]);
		posix_add(rmdir_kind, &all[i], "rmdir: a %s is ENOTDIR",
			kind_names[all[i]]);
	}
}

TEST(link_directory, "link: a directory is EPERM")
{
	works(mkdir("dir", 0755));
	fails(link("dir", "other"), EPERM);
	fails(link(".", "other"), EPERM);
	is(of("dir").st_nlink, 2);
	that(missing("other"));
}

TEST(link_setuid, "link: a file with setuid")
{
	put("file", "");
	works(chmod("file", 04755));
	works(link("file", "other"));
	is(of("file").st_nlink, 2);
}

TEST(link_setgid, "link: a file with setgid and x for the group")
{
	put("file", "");
	works(chmod("file", 02755));
	works(link("file", "other"));
	is(of("file").st_nlink, 2);
}

TEST(link_modes, "link: files of mode 0, 01777 and 02644")
{
	put("file", "");
	works(chmod("file", 0));
	works(link("file", "1"));
	works(chmod("file", 01777));
	works(link("file", "2"));
	works(chmod("file", 02644));
	works(link("file", "3"));
	is(of("file").st_nlink, 4);
}

TEST(link_anybody, "link: a file of somebody else")
{
	put("file", "");
	works(chown("file", 4242, 4242));
	works(chmod("file", 0600));
	works(link("file", "other"));
	is(of("other").st_uid, 4242);
}

TEST(linkat_follow, "linkat: AT_SYMLINK_FOLLOW links what the symlink leads to")
{
	put("file", "");
	works(symlink("file", "link"));
	works(linkat(AT_FDCWD, "link", AT_FDCWD, "other", AT_SYMLINK_FOLLOW));
	is(of("other").st_ino, of("file").st_ino);
	is(of("file").st_nlink, 2);
	works(symlink("none", "dangling"));
	fails(linkat(AT_FDCWD, "dangling", AT_FDCWD, "x", AT_SYMLINK_FOLLOW), ENOENT);
	fails(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 0x8000), EINVAL);
}

TEST(link_dots, "link: to . and .. is EEXIST")
{
	put("file", "");
	works(mkdir("dir", 0755));
	fails(link("file", "."), EEXIST);
	fails(link("file", "dir/.."), EEXIST);
	fails(link("file", "dir/."), EEXIST);
	fails(link("file", "file"), EEXIST);
	is(of("file").st_nlink, 1);
}

TEST(link_descriptor, "linkat: an open file by its descriptor, not once it is unlinked")
{
	int fd = open_rw("file");
	char path[40];

	sprintf(path, "/proc/self/fd/%d", fd);
	works(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW));
	is(of_fd(fd).st_nlink, 2);
	works(unlink("file"));
	works(unlink("other"));
	is(of_fd(fd).st_nlink, 0);
	fails(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(cross_device, "link, rename: out of and into the filesystem is EXDEV")
{
	put("file", "");
	works(mkdir("dir", 0755));
	fails(link("file", "/dev/posix-none"), EXDEV);
	fails(link("/proc/version", "name"), EXDEV);
	fails(rename("file", "/proc/self/none"), EXDEV);
	fails(rename("dir", "/proc/self/none"), EXDEV);
	fails(rename("/proc/version", "name"), EXDEV);
	is(of("file").st_nlink, 1);
	that(missing("name"));
}

TEST(many_links, "link: 300 names of one file")
{
	char name[20];

	put("file", "text");
	for (int i = 1; i < 300; i++) {
		sprintf(name, "name%d", i);
		works(link(i % 2 ? "file" : "name1", name));
	}
	is(of("name150").st_nlink, 300);
	for (int i = 1; i < 300; i++) {
		sprintf(name, "name%d", i);
		is(of(name).st_ino, of("file").st_ino);
		works(unlink(name));
	}
	is(of("file").st_nlink, 1);
	holds("file", "text");
}

/* --- unlink and rmdir */

TEST(unlink_directory, "unlink: a directory is EISDIR")
{
	struct stat before;

	works(mkdir("dir", 0755));
	before = of(".");
	tick();
	fails(unlink("dir"), EISDIR);
	fails(unlink("dir/"), EISDIR);
	fails_or(unlink("."), EISDIR, EINVAL);
	fails_or(unlink("dir/.."), EISDIR, EBUSY);
	fails(unlinkat(AT_FDCWD, "dir", 0x8000), EINVAL);
	moved_on(".", &before, 0);
	is(of("dir").st_nlink, 2);
}

TEST(unlink_link, "unlink: a symlink, not what it leads to")
{
	make(FULL, "dir");
	put("file", "");
	works(symlink("dir", "to dir"));
	works(symlink("file", "to file"));
	works(symlink("none", "dangling"));
	works(unlink("to dir"));
	works(unlink("to file"));
	works(unlink("dangling"));
	works(access("dir/inner", F_OK));
	works(access("file", F_OK));
	works(symlink("dir", "to dir"));
	fails(rmdir("to dir"), ENOTDIR);
	fails(rmdir("to dir/"), ENOTDIR);
}

TEST(rmdir_counts, "mkdir, rmdir: link counts and times")
{
	struct stat before;

	works(mkdir("dir", 0755));
	is(of("dir").st_nlink, 2);
	before = of("dir");
	tick();
	works(mkdir("dir/a", 0755));
	moved_on("dir", &before, MTIME | CTIME);
	works(mkdir("dir/b", 0755));
	is(of("dir").st_nlink, 4);
	put("dir/file", "");
	works(symlink("a", "dir/link"));
	is(of("dir").st_nlink, 4);
	before = of("dir");
	tick();
	works(rmdir("dir/a"));
	is(of("dir").st_nlink, 3);
	moved_on("dir", &before, MTIME | CTIME);
	works(rmdir("dir/b"));
	is(of("dir").st_nlink, 2);
}

TEST(rmdir_full, "rmdir: a directory that holds anything is ENOTEMPTY")
{
	struct stat before;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		works(mkdir("dir", 0755));
		make(kind, "dir/name");
		before = of("dir");
		tick();
		fails_or(rmdir("dir"), ENOTEMPTY, EEXIST);
		moved_on("dir", &before, 0);
		if (kind == FULL)
			works(unlink("dir/name/inner"));
		works(remove("dir/name"));
		works(rmdir("dir"));
		that(missing("dir"));
	}
}

TEST(rmdir_dots, "rmdir: . is EINVAL, .. is ENOTEMPTY, / is EBUSY")
{
	works(mkdir("dir", 0755));
	works(mkdir("dir/sub", 0755));
	fails(rmdir("."), EINVAL);
	fails(rmdir("dir/sub/."), EINVAL);
	fails_or(rmdir("dir/sub/.."), ENOTEMPTY, EEXIST);
	fails_or(rmdir(".."), ENOTEMPTY, EEXIST);
	fails_or(rmdir("/"), EBUSY, ENOTEMPTY);
	works(access("dir/sub", F_OK));
}

TEST(mkdir_dots, "mkdir: . and .. are EEXIST")
{
	works(mkdir("dir", 0755));
	fails(mkdir(".", 0755), EEXIST);
	fails(mkdir("dir/.", 0755), EEXIST);
	fails(mkdir("dir/..", 0755), EEXIST);
	fails(mkdir("/", 0755), EEXIST);
	fails(mkdir("none/.", 0755), ENOENT);
}

TEST(mkdir_deep, "mkdir: 60 directories in one another")
{
	char up[60 * 3 + 1] = "";

	for (int i = 0; i < 60; i++) {
		works(mkdir("directory", 0755));
		works(chdir("directory"));
		strcat(up, "../");
	}
	put("file", "deep");
	holds("file", "deep");
	works(chdir(up));
	is(of("directory").st_nlink, 3);
}

/* --- symlinks */

static void target_length(const void *arg)
{
	const size_t len = *(const size_t *)arg;
	char target[PATH_MAX + 1], buf[PATH_MAX + 1];

	memset(target, 't', len);
	target[len] = 0;
	works(symlink(target, "link"));
	is(of("link").st_size, (long long)len);
	is(readlink("link", buf, sizeof(buf)), (long long)len);
	is(memcmp(buf, target, len), 0);
	is(readlink("link", buf, 1), 1);
	fails(symlink(target, "link"), EEXIST);
}

TESTS(targets)
{
	static const size_t lengths[] = {1, 59, 60, 255, 256, 1024, 4000, 4095};

	for (size_t i = 0; i < COUNT(lengths); i++)
		posix_add(target_length, &lengths[i], "symlink: a target of %zu bytes",
			lengths[i]);
}

TEST(symlink_errors, "symlink, readlink: what is refused")
{
	char target[PATH_MAX + 1];
	char buf[10];

	memset(target, 't', PATH_MAX);
	target[PATH_MAX] = 0;
	fails(symlink(target, "link"), ENAMETOOLONG);
	fails(symlink("", "link"), ENOENT);
	that(missing("link"));
	for (enum kind kind = 0; kind < KINDS; kind++) {
		make(kind, kind_names[kind]);
		if (kind != SYMLINK)
			fails(readlink(kind_names[kind], buf, sizeof(buf)), EINVAL);
	}
	fails(readlink("symlink", buf, 0), EINVAL);
	fails(symlink("x", "."), EEXIST);
}

TEST(symlink_bytes, "symlink: any bytes, absolute and upward targets are kept")
{
	static const char *const targets[] = {
		"/", "/etc/passwd", "../../../../..", "a//b/./c/", "\xff\xfe\n\t ", "."};
	char buf[100];

	for (size_t i = 0; i < COUNT(targets); i++) {
		works(symlink(targets[i], "link"));
		is(readlink("link", buf, sizeof(buf)), (long long)strlen(targets[i]));
		is(memcmp(buf, targets[i], strlen(targets[i])), 0);
		works(unlink("link"));
	}
}

/* --- fifos, sockets, devices */

TEST(fifo_works, "mkfifo: carries data between two processes")
{
	char buf[10];
	int in, out;

	works(mkfifo("fifo", 0600));
	fails(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	in = works(open("fifo", O_RDONLY | O_NONBLOCK));
	out = works(open("fifo", O_WRONLY | O_NONBLOCK));
	is(write(out, "hello", 5), 5);
	is(read(in, buf, sizeof(buf)), 5);
	fails(lseek(in, 0, SEEK_SET), ESPIPE);
	works(unlink("fifo"));
	is(write(out, "still", 5), 5);
	is(read(in, buf, sizeof(buf)), 5);
	is(of_fd(in).st_nlink, 0);
}

TEST(socket_works, "socket: bind makes it, connect finds it, open is ENXIO")
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	const struct sockaddr *address = (const struct sockaddr *)&name;
	int server = works(socket(AF_UNIX, SOCK_STREAM, 0));
	int client = works(socket(AF_UNIX, SOCK_STREAM, 0));

	works(bind(server, address, sizeof(name)));
	is(of("socket").st_mode, S_IFSOCK | 0777);
	fails(connect(client, address, sizeof(name)), ECONNREFUSED);
	works(listen(server, 1));
	works(connect(client, address, sizeof(name)));
	fails(bind(works(socket(AF_UNIX, SOCK_STREAM, 0)), address, sizeof(name)),
		EADDRINUSE);
	fails(open("socket", O_RDONLY), ENXIO);
	works(rename("socket", "moved"));
	strcpy(name.sun_path, "moved");
	client = works(socket(AF_UNIX, SOCK_STREAM, 0));
	works(listen(server, 5));
	works(connect(client, address, sizeof(name)));
}

TEST(mknod_kinds, "mknod: files, fifos and sockets; a directory is EPERM")
{
	works(mknod("file", S_IFREG | 0640, 0));
	is(of("file").st_mode, S_IFREG | 0640);
	works(mknod("no type", 0604, 0));
	is(of("no type").st_mode, S_IFREG | 0604);
	works(mknod("fifo", S_IFIFO | 0640, 0));
	is(of("fifo").st_mode, S_IFIFO | 0640);
	works(mknod("socket", S_IFSOCK | 0640, 0));
	is(of("socket").st_mode, S_IFSOCK | 0640);
	fails(mknod("dir", S_IFDIR | 0755, 0), EPERM);
	fails(mknod("link", S_IFLNK | 0777, 0), EINVAL);
	that(missing("dir") && missing("link"));
}

TEST(mknod_character, "mknod: a character device")
{
	works(mknod("device", S_IFCHR | 0620, makedev(1, 3)));
	is(of("device").st_mode, S_IFCHR | 0620);
	is(of("device").st_rdev, makedev(1, 3));
}

TEST(mknod_block, "mknod: a block device")
{
	works(mknod("device", S_IFBLK | 0660, makedev(259, 70000)));
	is(of("device").st_mode, S_IFBLK | 0660);
	is(of("device").st_rdev, makedev(259, 70000));
}
