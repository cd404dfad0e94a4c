/* SPDX-License-Identifier: MIT */
/* rename, renameat2. */
#include "tests/view/posix.h"

#include <linux/fs.h>

struct pair {
	enum kind from, to;
};

static int exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static int no_replace(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
}

/* What rename of one kind onto another fails with, 0: it works. */
static int expected(enum kind from, enum kind to)
{
	if (!is_dir(from))
		return is_dir(to) ? EISDIR : 0;
	if (!is_dir(to))
		return ENOTDIR;
	return to == FULL ? ENOTEMPTY : 0;
}

static void replace(const void *arg)
{
	const struct pair *p = arg;
	int want = expected(p->from, p->to);
	struct stat from, to, directory;

	make(p->from, "from");
	make(p->to, "to");
	from = of("from");
	to = of("to");
	directory = of(".");
	tick();
	if (want) {
		fails_or(rename("from", "to"), want, want == ENOTEMPTY ? EEXIST : want);
		moved_on("from", &from, 0);
		moved_on("to", &to, 0);
		moved_on(".", &directory, 0);
		is(of("to").st_ino, to.st_ino);
		return;
	}
	works(rename("from", "to"));
	that(missing("from"));
	is(of("to").st_ino, from.st_ino);
	is(of("to").st_mode, from.st_mode);
	is(of("to").st_nlink, from.st_nlink);
	moved_on("to", &from, CTIME);
	moved_on(".", &directory, MTIME | CTIME);
	is(of(".").st_nlink, is_dir(p->from) ? 3 : 2);
}

static void refuse_to_replace(const void *arg)
{
	const struct pair *p = arg;
	struct stat from, to, directory;

	make(p->from, "from");
	make(p->to, "to");
	from = of("from");
	to = of("to");
	directory = of(".");
	tick();
	fails(no_replace("from", "to"), EEXIST);
	moved_on("from", &from, 0);
	moved_on("to", &to, 0);
	moved_on(".", &directory, 0);
	works(no_replace("from", "new"));
	is(of("new").st_ino, from.st_ino);
	that(missing("from"));
}

static void swap(const void *arg)
{
	const struct pair *p = arg;
	struct stat from, to, a, b;

	works(mkdir("a", 0755));
	works(mkdir("b", 0755));
	make(p->from, "a/from");
	make(p->to, "b/to");
	from = of("a/from");
	to = of("b/to");
	a = of("a");
	b = of("b");
	tick();
	works(exchange("a/from", "b/to"));
	is(of("a/from").st_ino, to.st_ino);
	is(of("b/to").st_ino, from.st_ino);
	is(of("a/from").st_mode, to.st_mode);
	is(of("b/to").st_mode, from.st_mode);
	is(of("a").st_nlink, is_dir(p->to) ? 3 : 2);
	is(of("b").st_nlink, is_dir(p->from) ? 3 : 2);
	moved_on("b/to", &from, CTIME);
	moved_on("a/from", &to, CTIME);
	moved_on("a", &a, MTIME | CTIME);
	moved_on("b", &b, MTIME | CTIME);
	if (p->from == FULL)
		holds("b/to/inner", "inner");
	if (p->to == REGULAR)
		holds("a/from", "content");
	works(exchange("b/to", "a/from"));
	is(of("a/from").st_ino, from.st_ino);
}

static void into_directory(const void *arg)
{
	const enum kind *kind = arg;
	struct stat before, a, b;

	works(mkdir("a", 0755));
	works(mkdir("b", 0755));
	make(*kind, "a/name");
	works(lchown("a/name", 51, 52));
	before = of("a/name");
	a = of("a");
	b = of("b");
	tick();
	works(rename("a/name", "b/other"));
	that(missing("a/name"));
	is(of("b/other").st_ino, before.st_ino);
	is(of("b/other").st_mode, before.st_mode);
	is(of("b/other").st_uid, 51);
	is(of("b/other").st_gid, 52);
	moved_on("b/other", &before, CTIME);
	moved_on("a", &a, MTIME | CTIME);
	moved_on("b", &b, MTIME | CTIME);
	is(of("a").st_nlink, 2);
	is(of("b").st_nlink, is_dir(*kind) ? 3 : 2);
	fails(exchange("b/other", "b/none"), ENOENT);
	fails(exchange("b/none", "b/other"), ENOENT);
	works(no_replace("b/other", "a/name"));
	is(of("a/name").st_ino, before.st_ino);
	if (is_dir(*kind))
		is(of("a/name/..").st_ino, of("a").st_ino);
}

TESTS(pairs)
{
	static const enum kind kinds[KINDS] = {
		REGULAR, DIRECTORY, FULL, SYMLINK, FIFO, SOCKET};
	static struct pair all[KINDS][KINDS];

	for (enum kind a = 0; a < KINDS; a++) {
		posix_add(into_directory, &kinds[a], "rename: a %s to another directory",
			kind_names[a]);
		for (enum kind b = 0; b < KINDS; b++) {
			all[a][b] = (struct pair){a, b};
			posix_add(replace, &all[a][b], "rename: a %s onto a %s",
				kind_names[a], kind_names[b]);
			posix_add(refuse_to_replace, &all[a][b],
				"rename NOREPLACE: a %s onto a %s", kind_names[a],
				kind_names[b]);
			posix_add(swap, &all[a][b], "rename EXCHANGE: a %s and a %s",
				kind_names[a], kind_names[b]);
		}
	}
}

TEST(rename_flags, "renameat2: flags that do not go together are EINVAL")
{
	put("a", "");
	put("b", "");
	fails(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE),
		EINVAL);
	fails(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0x8000), EINVAL);
	works(access("a", F_OK));
}

TEST(rename_below_itself, "rename: a directory below itself is EINVAL")
{
	struct stat before;

	works(mkdir("a", 0755));
	works(mkdir("a/b", 0755));
	works(mkdir("a/b/c", 0755));
	before = of("a");
	tick();
	fails(rename("a", "a/new"), EINVAL);
	fails(rename("a", "a/b/new"), EINVAL);
	fails(rename("a", "a/b/c"), EINVAL);
	fails(exchange("a", "a/b"), EINVAL);
	fails(exchange("a/b/c", "a"), EINVAL);
	/* Onto what it is in. */
	fails_or(rename("a/b/c", "a"), ENOTEMPTY, EEXIST);
	fails_or(rename("a/b/c", "a/b"), ENOTEMPTY, EEXIST);
	moved_on("a", &before, 0);
	works(access("a/b/c", F_OK));
}

TEST(rename_dots, "rename: . and .. are EBUSY")
{
	works(mkdir("dir", 0755));
	fails_or(rename(".", "new"), EBUSY, EINVAL);
	fails_or(rename("dir/.", "new"), EBUSY, EINVAL);
	fails_or(rename("dir/..", "new"), EBUSY, EINVAL);
	fails_or(rename("dir", "."), EBUSY, EINVAL);
	fails_or(rename("dir", ".."), EBUSY, EINVAL);
	fails(no_replace("dir", "."), EEXIST);
	works(access("dir", F_OK));
}

TEST(rename_slash, "rename: a slash behind directories and files")
{
	works(mkdir("dir", 0755));
	put("file", "");
	works(rename("dir/", "new/"));
	works(rename("new", "dir/"));
	fails(rename("file", "other/"), ENOTDIR);
	fails(rename("file/", "other"), ENOTDIR);
	fails_or(rename("file", "dir/"), EISDIR, ENOTDIR);
	works(symlink("dir", "link"));
	fails(rename("link/", "other"), ENOTDIR);
}

TEST(rename_same,
	"rename: onto itself, and onto another name of the same file, does nothing")
{
	struct stat before, directory;

	put("file", "text");
	works(link("file", "other"));
	before = of("file");
	directory = of(".");
	tick();
	works(rename("file", "file"));
	works(rename("file", "other"));
	moved_on("file", &before, 0);
	moved_on("other", &before, 0);
	moved_on(".", &directory, 0);
	is(of("file").st_nlink, 2);
	fails(no_replace("file", "other"), EEXIST);
	works(exchange("file", "other"));
	is(of("file").st_nlink, 2);
	works(mkdir("dir", 0755));
	works(rename("dir", "dir"));
	is(of("dir").st_nlink, 2);
}

TEST(rename_hard_link, "rename: onto one of two names of a file, the other stays")
{
	struct stat before;

	put("old", "old");
	works(link("old", "kept"));
	put("new", "new");
	before = of("kept");
	tick();
	works(rename("new", "old"));
	is(of("kept").st_nlink, 1);
	moved_on("kept", &before, CTIME);
	holds("kept", "old");
	holds("old", "new");
	works(link("old", "second"));
	works(rename("second", "third"));
	is(of("third").st_nlink, 2);
	is(of("third").st_ino, of("old").st_ino);
}

TEST(rename_open, "rename: who has the old file open goes on reading it")
{
	char buf[10];
	int fd;

	put("file", "old");
	put("new", "brand");
	fd = works(open("file", O_RDWR));
	works(rename("new", "file"));
	is(read(fd, buf, sizeof(buf)), 3);
	is(memcmp(buf, "old", 3), 0);
	is(of_fd(fd).st_nlink, 0);
	is(pwrite(fd, "changed", 7, 0), 7);
	is(of_fd(fd).st_size, 7);
	holds("file", "brand");
}

TEST(rename_keeps_open, "rename: who has the renamed file open goes on writing it")
{
	int fd = open_rw("a");

	is(write(fd, "one", 3), 3);
	works(rename("a", "b"));
	is(write(fd, "two", 3), 3);
	holds("b", "onetwo");
	works(mkdir("dir", 0755));
	works(rename("b", "dir/c"));
	works(rename("dir", "moved"));
	is(write(fd, "three", 5), 5);
	holds("moved/c", "onetwothree");
	is(of_fd(fd).st_ino, of("moved/c").st_ino);
	works(fchmod(fd, 0611));
	is(of("moved/c").st_mode, S_IFREG | 0611);
}

TEST(rename_atomic, "rename: there is always a file of that name")
{
	int fd, misses = 0;
	pid_t pid;

	put("file", "x");
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200; i++) {
			put("new", "x");
			works(rename("new", "file"));
		}
		_exit(0);
	}
	for (int i = 0; i < 400; i++) {
		fd = open("file", O_RDONLY);
		misses += fd == -1;
		close(fd);
	}
	is(joined(pid), 0);
	is(misses, 0);
}

TEST(rename_tree, "rename: a directory with all that is in it, also while it is open")
{
	int fd;

	works(mkdir("a", 0755));
	works(mkdir("a/b", 0755));
	put("a/b/file", "text");
	works(mkdir("z", 0755));
	fd = works(open("a/b", O_RDONLY | O_DIRECTORY));
	works(rename("a", "z/y"));
	holds("z/y/b/file", "text");
	that(missing("a"));
	is(of("z").st_nlink, 3);
	is(of("z/y").st_nlink, 3);
	works(mkdirat(fd, "new", 0755));
	works(access("z/y/b/new", F_OK));
	works(fchdir(fd));
	put("../../../up", "");
	works(access("file", F_OK));
	is(of("../../..").st_nlink, 3);
}

TEST(rename_sticky, "rename, unlink: of others in a sticky directory")
{
	works(mkdir("dir", 0755));
	works(chown("dir", 61, 61));
	works(chmod("dir", 01777));
	put("dir/a", "a");
	put("dir/b", "b");
	works(chown("dir/a", 62, 62));
	works(chown("dir/b", 63, 63));
	works(rename("dir/a", "dir/b"));
	put("dir/b", "over");
	works(unlink("dir/b"));
	works(mkfifo("dir/fifo", 0600));
	works(chown("dir/fifo", 64, 64));
	works(close(works(open("dir/fifo", O_RDWR | O_CREAT, 0600))));
	works(unlink("dir/fifo"));
	is(of("dir").st_mode, S_IFDIR | 01777);
}

TEST(inode_stable, "st_ino: the same over rename, chown, write; another for another file")
{
	struct stat st;

	put("a", "");
	put("b", "");
	st = of("a");
	that(st.st_ino != of("b").st_ino);
	works(rename("a", "c"));
	works(chown("c", 1, 1));
	put("c", "more");
	is(of("c").st_ino, st.st_ino);
	works(unlink("b"));
	put("b", "");
	that(of("b").st_ino != st.st_ino);
}
