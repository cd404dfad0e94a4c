/* SPDX-License-Identifier: MIT */
/* chmod, fchmod, and which modes open() and mkdir() give. */
#include <sys/xattr.h>

#include "tests/view/posix.h"

static void all_modes(const void *arg)
{
	static const mode_t modes[] = {
		0, 0777, 0640, 04755, 02755, 01777, 07000, 07777, 0001};
	const enum kind *kind = arg;

	make(*kind, "name");
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct stat before = of("name");

		works(chmod("name", modes[i]));
		is(of("name").st_mode, kind_type(*kind) | modes[i]);
		is(of("name").st_uid, before.st_uid);
		is(of("name").st_ino, before.st_ino);
		is(of("name").st_size, before.st_size);
	}
}

static void chmod_times(const void *arg)
{
	const enum kind *kind = arg;
	struct stat before, directory;

	make(*kind, "name");
	before = of("name");
	directory = of(".");
	tick();
	works(chmod("name", 0611));
	moved_on("name", &before, CTIME);
	moved_on(".", &directory, 0);
	before = of("name");
	tick();
	fails(chmod("name/none", 0600), is_dir(*kind) ? ENOENT : ENOTDIR);
	moved_on("name", &before, 0);
}

TESTS(each_kind)
{
	static const enum kind kinds[] = {REGULAR, DIRECTORY, FIFO, SOCKET};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		posix_add(all_modes, &kinds[i], "chmod: all bits of a %s",
			kind_names[kinds[i]]);
		posix_add(chmod_times, &kinds[i], "chmod: times of a %s",
			kind_names[kinds[i]]);
	}
}

TEST(follows, "chmod: a symlink is followed and not changed")
{
	struct stat before;

	put("file", "");
	works(symlink("file", "link"));
	before = of("link");
	tick();
	works(chmod("link", 0705));
	is(of("file").st_mode, S_IFREG | 0705);
	is(of("link").st_mode, before.st_mode);
	moved_on("link", &before, 0);
}

TEST(no_follow, "chmod: a symlink itself is EOPNOTSUPP")
{
	works(symlink("file", "link"));
	fails(fchmodat(AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
	is(of("link").st_mode, S_IFLNK | 0777);
}

TEST(by_descriptor, "fchmod: a file, a directory, one opened to read only")
{
	int fd = open_rw("file");
	int dir;

	works(fchmod(fd, 0604));
	is(of("file").st_mode, S_IFREG | 0604);
	works(close(fd));
	fd = works(open("file", O_RDONLY));
	works(fchmod(fd, 04711));
	is(of_fd(fd).st_mode, S_IFREG | 04711);
	works(mkdir("dir", 0700));
	dir = works(open("dir", O_RDONLY | O_DIRECTORY));
	works(fchmod(dir, 03775));
	is(of("dir").st_mode, S_IFDIR | 03775);
	works(close(fd));
	fails(fchmod(fd, 0600), EBADF);
	fd = works(open("file", O_PATH));
	fails(fchmod(fd, 0600), EBADF);
}

TEST(through_hard_link, "chmod: through one name, seen through the other")
{
	put("file", "");
	works(link("file", "other"));
	works(chmod("file", 0640));
	is(of("other").st_mode, S_IFREG | 0640);
	works(chmod("other", 06751));
	is(of("file").st_mode, S_IFREG | 06751);
}

TEST(mode_zero, "chmod: mode 0 keeps root from nothing but running it")
{
	int fd;

	put("file", "text");
	works(chmod("file", 0));
	holds("file", "text");
	fd = works(open("file", O_RDWR | O_APPEND));
	is(write(fd, "more", 4), 4);
	works(close(fd));
	holds("file", "textmore");
	works(access("file", R_OK | W_OK));
	fails(access("file", X_OK), EACCES);
	fails(execl("file", "file", NULL), EACCES);
	works(chmod("file", 0001));
	works(access("file", R_OK | W_OK | X_OK));
	fails(execl("file", "file", NULL), ENOEXEC);
}

TEST(directory_zero, "chmod: a directory of mode 0 can be entered, read and changed")
{
	int fd;

	works(mkdir("dir", 0755));
	put("dir/file", "text");
	works(chmod("dir", 0));
	works(access("dir", R_OK | W_OK | X_OK));
	holds("dir/file", "text");
	put("dir/other", "");
	works(unlink("dir/file"));
	works(mkdir("dir/sub", 0));
	works(rmdir("dir/sub"));
	fd = works(open("dir", O_RDONLY | O_DIRECTORY));
	works(fchdir(fd));
	works(unlink("other"));
	is(of(".").st_mode, S_IFDIR);
}

TEST(access_errors, "access: F_OK, a bad mode, root on every kind")
{
	put("file", "");
	works(access("file", F_OK));
	fails(access("file", 8), EINVAL);
	fails(access("none", F_OK), ENOENT);
	works(mkfifo("fifo", 0));
	works(access("fifo", R_OK | W_OK));
	works(symlink("none", "link"));
	fails(access("link", F_OK), ENOENT);
	works(faccessat(AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW));
	works(chmod("file", 0644));
	fails(access("file", X_OK), EACCES);
	works(chmod("file", 0010));
	works(access("file", X_OK));
}

/* --- modes of new files */

TEST(umask_counts, "umask: for files, directories, fifos; not for symlinks and chmod")
{
	umask(027);
	works(close(works(open("file", O_WRONLY | O_CREAT, 0777))));
	is(of("file").st_mode, S_IFREG | 0750);
	works(mkdir("dir", 0777));
	is(of("dir").st_mode, S_IFDIR | 0750);
	works(mkfifo("fifo", 0666));
	is(of("fifo").st_mode, S_IFIFO | 0640);
	works(mknod("node", S_IFREG | 0666, 0));
	is(of("node").st_mode, S_IFREG | 0640);
	works(symlink("file", "link"));
	is(of("link").st_mode, S_IFLNK | 0777);
	works(chmod("file", 0777));
	is(of("file").st_mode, S_IFREG | 0777);
	umask(0);
	works(close(works(open("open", O_WRONLY | O_CREAT, 0666))));
	is(of("open").st_mode, S_IFREG | 0666);
	umask(0777);
	works(close(works(open("closed", O_RDWR | O_CREAT, 0666))));
	is(of("closed").st_mode, S_IFREG);
}

/* What nobody but root could use is kept in files that an ordinary user has to. */
TEST(umask_of_all, "umask 0777, mode 0: what is made stays of use to root")
{
	char text[8];
	int fd;

	umask(0777);
	works(mkdir("dir", 0777));
	works(mkdir("dir/sub", 0));
	fd = works(open("dir/sub/file", O_RDWR | O_CREAT | O_EXCL, 0666));
	is(write(fd, "text", 4), 4);
	works(close(fd));
	is(of("dir/sub").st_mode, S_IFDIR);
	is(of("dir/sub/file").st_mode, S_IFREG);
	fd = works(open("dir/sub/file", O_RDWR | O_APPEND));
	is(write(fd, "more", 4), 4);
	is(pread(fd, text, sizeof(text), 0), 8);
	works(close(fd));
	works(truncate("dir/sub/file", 3));
	works(setxattr("dir/sub/file", "user.a", "1", 1, 0));
	works(link("dir/sub/file", "dir/link"));
	works(rename("dir/sub", "moved"));
	is(of("moved/file").st_nlink, 2);
	works(mknod("node", S_IFREG, 0));
	works(close(works(open("node", O_RDWR | O_TRUNC))));
	works(mkfifo("fifo", 0666));
	is(of("fifo").st_mode, S_IFIFO);
	works(close(works(open("fifo", O_RDWR))));
	works(symlink("moved/file", "link"));
	is(of("link").st_mode, S_IFLNK | 0777);
	works(close(works(open("link", O_RDONLY))));
	works(chmod("moved", 0700));
	works(unlink("moved/file"));
	works(rmdir("moved"));
}

TEST(special_bits_at_create, "open, mkdir: setuid and sticky at creation")
{
	works(close(works(open("file", O_WRONLY | O_CREAT, 07755))));
	is(of("file").st_mode, S_IFREG | 07755);
	/* mkdir takes the permissions and the sticky bit only. */
	works(mkdir("dir", 07755));
	is(of("dir").st_mode, S_IFDIR | 01755);
	works(mkfifo("fifo", 04644));
	is(of("fifo").st_mode, S_IFIFO | 04644);
}

TEST(setgid_inherited, "setgid directory: group and bit are inherited")
{
	works(mkdir("dir", 0755));
	works(chown("dir", 77, 4242));
	works(chmod("dir", 02775));
	put("dir/file", "");
	is(of("dir/file").st_gid, 4242);
	is(of("dir/file").st_uid, new_uid);
	is(of("dir/file").st_mode, S_IFREG | 0644);
	works(mkdir("dir/sub", 0700));
	is(of("dir/sub").st_gid, 4242);
	is(of("dir/sub").st_mode, S_IFDIR | 02700);
	works(mkdir("dir/sub/sub", 0711));
	is(of("dir/sub/sub").st_mode, S_IFDIR | 02711);
	works(mkfifo("dir/fifo", 0600));
	is(of("dir/fifo").st_gid, 4242);
	is(of("dir/fifo").st_mode, S_IFIFO | 0600);
	works(symlink("x", "dir/link"));
	is(of("dir/link").st_gid, 4242);
	make(SOCKET, "dir/socket");
	is(of("dir/socket").st_gid, 4242);
	/* What comes from elsewhere keeps its group. */
	put("outside", "");
	works(rename("outside", "dir/outside"));
	is(of("dir/outside").st_gid, new_gid);
}

TEST(setgid_kept_at_create, "setgid directory: open O_CREAT 02755 keeps setgid")
{
	works(mkdir("dir", 0755));
	works(chown("dir", -1, 4242));
	works(chmod("dir", 02775));
	works(close(works(open("dir/file", O_WRONLY | O_CREAT, 02755))));
	is(of("dir/file").st_gid, 4242);
	is(of("dir/file").st_mode, S_IFREG | 02755);
	works(symlink("later", "dir/link"));
	works(close(works(open("dir/link", O_WRONLY | O_CREAT, 02755))));
	is(of("dir/later").st_mode, S_IFREG | 02755);
}

TEST(setgid_kept_without_x, "setgid directory: open O_CREAT 02644 keeps setgid")
{
	works(mkdir("dir", 0755));
	works(chown("dir", -1, 4242));
	works(chmod("dir", 02775));
	works(close(works(open("dir/file", O_WRONLY | O_CREAT, 02644))));
	is(of("dir/file").st_mode, S_IFREG | 02644);
}

TEST(new_owner, "new files of all kinds: owner, mode, link count, size")
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct stat st;

		make(kind, kind_names[kind]);
		st = of(kind_names[kind]);
		is(st.st_uid, new_uid);
		is(st.st_gid, new_gid);
		is(st.st_mode & S_IFMT, kind_type(kind));
		is(st.st_nlink, is_dir(kind) ? 2 : 1);
		is(st.st_dev, of(".").st_dev);
		if (kind == SYMLINK)
			is(st.st_size, strlen("target of no use"));
		else if (!is_dir(kind))
			is(st.st_size, kind == REGULAR ? 7 : 0);
	}
}
