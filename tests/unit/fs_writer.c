/* SPDX-License-Identifier: MIT */
/* New files with their records: where names may lead, what replaces what. */
#include "fs/writer.h"

#include <sys/sysmacros.h>

#include "common/quote.h"
#include "tests/unit/tree.h"

static struct stage *stage;
static struct db *db;
static struct writer *w;
static struct err e;

/* An empty tree beside an empty directory that no name may reach. */
static void start(void)
{
	scratch_clear("s");
	scratch_clear("out");
	put_dir("s");
	put_dir("out");
	unlink("s.livery");
	stage = must_stage("s");
	db = must_open("s.livery", DB_CREATE);
	if (db_begin(db, &e) < 0 || writer_open(&w, stage, db, &e) < 0)
		errx(1, "%s", e.msg);
}

static void no_finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

static void finish(const char *what)
{
	is_int(writer_finish(w, &e), 0, "%s: finished", what);
	writer_close(w);
	is_int(db_commit(db, &e), 0, "%s: committed", what);
	is_int(db_check(db, no_finding, NULL, &e), 0, "%s: the database is sound", what);
	db_close(db);
	stage_close(stage);
	ok(rmdir("out") == 0, "%s: nothing was made outside", what);
}

static int make(const char *path, uint32_t mode, const char *text)
{
	struct writer_meta m = {.mode = mode, .target = text};
	int fd = -1, rc;

	e = (struct err){0};
	rc = writer_make(w, path, &m, &fd, &e);
	if (fd >= 0) {
		if (text && write(fd, text, strlen(text)) < 0)
			err(1, "write");
		close(fd);
	}
	return rc;
}

static void makes(const char *path, uint32_t mode, const char *text)
{
	char quoted[80];

	is_int(make(path, mode, text), 0, "made: %s",
		quote_path(quoted, sizeof(quoted), path));
}

static void refuses(const char *path, const char *want)
{
	char quoted[80];

	is_int(make(path, S_IFREG | 0644, ""), -1, "refused: %s",
		quote_path(quoted, sizeof(quoted), path));
	ok(e.code == ERR_REFUSED && strstr(e.msg, want) && one_line(e.msg), "%.160s",
		e.msg);
}

static struct db_record record(const char *path)
{
	struct db_record r = {0};

	db_record_get(db, DB_ROOT, &r, &e);
	while (*path && r.id) {
		size_t len = strcspn(path, "/");

		if (db_name_get(db, r.id, path, len, &r, &e) != 1)
			r = (struct db_record){0};
		path += len;
		path += *path == '/';
	}
	return r;
}

static void test_names(void)
{
	char name[260];

	start();
	makes("./a//./f", S_IFREG | 0600, "one");
	ok(file_is("s/a/f", "one"), "'.' and doubled '/' are passed over");
	makes("/abs", S_IFREG | 0600, "two");
	ok(file_is("s/abs", "two"), "an absolute name is one in the tree");
	makes("d/", S_IFDIR | 0755, NULL);
	makes("e/.", S_IFDIR | 0755, NULL);
	ok(exists("s/d") && exists("s/e"), "a '/' at the end");
	refuses("..", "could lead out");
	refuses("../x", "could lead out");
	refuses("a/../x", "could lead out");
	refuses("a/..", "could lead out");
	refuses("../out/x", "could lead out");
	refuses("n\n/../x", "n\\n/../x");
	refuses("abs/x", "is no directory");
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	refuses(name, "255 bytes");
	name[256] = '/';
	name[257] = 'x';
	name[258] = '\0';
	refuses(name, "255 bytes");
	name[255] = '\0';
	makes(name, S_IFREG | 0644, "");
	makes("\x01\n\xff", S_IFREG | 0644, "");
	makes("...", S_IFREG | 0644, "");
	is_int(make("", S_IFREG, ""), -1, "the root as a file");
	is_int(e.code, ERR_REFUSED, "is refused");
	is_int(make(".", S_IFDIR | 0711, NULL), 0, "the root as a directory");
	is_int(record("").mode, 0711, "gets a mode");
	finish("names");
}

static void test_links_in_the_way(void)
{
	start();
	makes("usr/lib", S_IFDIR | 0755, NULL);
	makes("lib", S_IFLNK | 0777, "usr/lib");
	makes("lib/f", S_IFREG | 0644, "x");
	ok(file_is("s/usr/lib/f", "x"), "a relative link inside is followed");
	ok(record("usr/lib/f").id > 0, "the record is where the file is");
	makes("usr/up", S_IFLNK | 0777, "../usr/lib");
	makes("usr/up/g", S_IFREG | 0644, "x");
	ok(exists("s/usr/lib/g"), "'..' in a link's target, inside");
	makes("abs", S_IFLNK | 0777, "/etc");
	refuses("abs/x", "leads out");
	makes("climb", S_IFLNK | 0777, "../out");
	refuses("climb/x", "leads out");
	makes("usr/climb", S_IFLNK | 0777, "../../out");
	refuses("usr/climb/x", "leads out");
	makes("indirect", S_IFLNK | 0777, "usr/climb");
	refuses("indirect/x", "leads out");
	makes("loop", S_IFLNK | 0777, "loop");
	refuses("loop/x", "too many symbolic links");
	makes("climb", S_IFREG | 0644, "over");
	ok(file_is("s/climb", "over"), "a link itself is replaced, never followed");
	makes("dangling", S_IFLNK | 0777, "../out/new");
	makes("dangling", S_IFREG | 0644, "over");
	ok(!exists("out/new") && file_is("s/dangling", "over"), "a dangling one too");
	/* The directory that was looked up last becomes a link that leads out. */
	makes("swap/f", S_IFREG | 0644, "");
	makes("swap/g", S_IFIFO | 0644, NULL);
	unlink("s/swap/f");
	unlink("s/swap/g");
	makes("swap", S_IFLNK | 0777, "../out");
	refuses("swap/h", "leads out");
	finish("links in the way");
}

static void test_dir_over_link(void)
{
	start();
	makes("usr/bin", S_IFDIR | 0755, NULL);
	makes("bin", S_IFLNK | 0777, "usr/bin");
	is_int(make("bin", S_IFDIR | 0700, NULL), 1,
		"a directory does not replace a link");
	is_int(make("bin/", S_IFDIR | 0700, NULL), 1, "with '/' behind it neither");
	is_int(record("bin").type, S_IFLNK, "the link stays");
	is_int(record("usr/bin").mode, 0755, "and so does what it leads to");
	makes("out1", S_IFLNK | 0777, "../out");
	is_int(make("out1", S_IFDIR | 0700, NULL), 0,
		"a link that leads out is replaced");
	is_int(record("out1").type, S_IFDIR, "by the directory");
	makes("none", S_IFLNK | 0777, "nowhere");
	is_int(make("none", S_IFDIR | 0700, NULL), 0, "and one that leads nowhere");
	finish("directories over links");
}

static void test_replace(void)
{
	struct writer_attr attr = {"v", 1, "user.a"};
	struct writer_meta m = {.mode = S_IFDIR | 02750,
		.uid = 5,
		.gid = 6,
		.label = "u:r:t",
		.attrs = &attr,
		.attr_count = 1};
	int64_t id;

	start();
	is_int(writer_make(w, "d", &m, NULL, &e), 0, "a directory with everything");
	id = record("d").id;
	ok(record("d").uid == 5 && record("d").gid == 6 && record("d").mode == 02750,
		"owner and mode");
	ok(record("d").label && record("d").has_xattrs, "label and attribute");
	makes("d/f", S_IFREG | 0644, "");
	makes("d", S_IFDIR | 0700, NULL);
	is_int(record("d").id, id, "made again, it is the same record");
	ok(record("d").mode == 0700 && record("d").uid == 0, "with the new values");
	ok(!record("d").label && !record("d").has_xattrs, "and nothing of the old");
	ok(record("d/f").id > 0, "what is in it stays");
	is_int(make("d", S_IFREG, ""), -1, "a file over a full directory");
	ok(e.code == ERR_REFUSED && strstr(e.msg, "d: cannot replace"), "%s", e.msg);
	makes("x", S_IFREG | 0644, "one");
	makes("x", S_IFREG | 0644, "2");
	ok(file_is("s/x", "2") && record("x").id > 0, "a file by another");
	makes("x", S_IFIFO | 0644, NULL);
	makes("x", S_IFSOCK | 0644, NULL);
	makes("x", S_IFDIR | 0755, NULL);
	makes("x", S_IFLNK | 0777, "target");
	makes("x", S_IFCHR | 0600, NULL);
	makes("x", S_IFREG | 0644, "last");
	ok(file_is("s/x", "last") && record("x").type == S_IFREG, "each type by each");
	finish("replacing");
}

static void test_types(void)
{
	struct writer_meta m = {.mode = S_IFBLK | 0660, .rdev = makedev(8, 3), .uid = 7};
	struct stat st;
	int fd = 5;

	start();
	is_int(writer_make(w, "sda3", &m, &fd, &e), 0, "a device");
	is_int(fd, -1, "opens nothing");
	ok(lstat("s/sda3", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0,
		"is an empty file in the tree");
	ok(record("sda3").type == S_IFBLK && record("sda3").rdev == makedev(8, 3) &&
			record("sda3").mode == 0660 && record("sda3").uid == 7,
		"and a device in the database");
	m = (struct writer_meta){.mode = S_IFREG | 04000, .rdev = 77, .uid = DB_SILENT};
	is_int(writer_make(w, "f", &m, NULL, &e), 0, "a file that no one may read");
	lstat("s/f", &st);
	is_int(st.st_mode & 07777, 0644, "is readable and writable in the tree");
	ok(record("f").mode == 04000 && record("f").rdev == 0, "its record has its mode");
	is_int(record("f").uid, DB_SILENT, "and is silent where nothing was said");
	makes("run", S_IFREG | 0101, "");
	lstat("s/run", &st);
	is_int(st.st_mode & 07777, 0755, "what anybody may execute is executable");
	makes("dir", S_IFDIR | 0, NULL);
	lstat("s/dir", &st);
	is_int(st.st_mode & 07777, 0755, "directories stay open for their owner");
	ok(record("dir").hint.ino == st.st_ino && record("dir").hint.dev == st.st_dev,
		"where it is, is noted");
	is_int(make("bad\n", 0644, NULL), -1, "no type");
	ok(e.code == ERR_INPUT && strstr(e.msg, "bad\\n"), "%s", e.msg);
	makes("m/n/o", S_IFREG | 0644, "");
	ok(record("m/n").mode == 0755 && record("m").uid == 0,
		"directories that were missing are root's");
	finish("types");
}

static void links(const char *path, const char *target, const char *what)
{
	e = (struct err){0};
	is_int(writer_link(w, path, target, NULL, &e), 0, "%s", what);
}

static void link_refused(const char *path, const char *target, const char *want)
{
	e = (struct err){0};
	is_int(writer_link(w, path, target, NULL, &e), -1, "refused: %s", want);
	ok(e.code == ERR_REFUSED && strstr(e.msg, want) && one_line(e.msg), "%s", e.msg);
}

static void test_hard_links(void)
{
	struct stat a, b;
	int fd = -1;

	start();
	makes("one/f", S_IFREG | 0644, "x");
	links("two/g", "one/f", "a link");
	lstat("s/one/f", &a);
	lstat("s/two/g", &b);
	ok(a.st_ino == b.st_ino && b.st_nlink == 2, "is one file");
	ok(record("one/f").id == record("two/g").id && record("one/f").names == 2,
		"and one record");
	is_int(writer_link(w, "h", "./one//f", &fd, &e), 0, "a link with content");
	ok(fd >= 0 && write(fd, "y", 1) == 1 && file_is("s/one/f", "y"),
		"writes to the file");
	close(fd);
	makes("l", S_IFLNK | 0777, "../out");
	links("l2", "l", "a link to a symbolic link");
	lstat("s/l2", &b);
	ok(S_ISLNK(b.st_mode) && record("l2").id == record("l").id,
		"is the symbolic link");
	makes("dev", S_IFCHR | 0600, NULL);
	fd = 5;
	is_int(writer_link(w, "dev2", "dev", &fd, &e), 0, "a link to a device");
	ok(fd == -1 && record("dev2").type == S_IFCHR, "has no content");
	links("h", "dev", "a link over another name");
	is_int(record("one/f").names, 2, "which loses it");
	links("two/g", "h", "and over one more");
	link_refused("x", "none", "which is not there");
	link_refused("x", "none/below\n", "none/below\\n, which is not there");
	link_refused("x", "../out", "could lead out");
	link_refused("../x", "one/f", "could lead out");
	links("one/./f", "one/f", "a link to itself is there already");
	link_refused("x", "one/none", "which is not there");
	link_refused("x", "one", "which is a directory");
	link_refused("x", ".", "which is a directory");
	link_refused("/", "one/f", "over the root");
	link_refused("one", "two/g", "one: cannot replace");
	finish("hard links");
}

static void test_times(void)
{
	const struct timespec t1 = {1000000000, 123456789}, t2 = {-5, 0};
	struct stat st;

	start();
	makes("d/e", S_IFDIR | 0755, NULL);
	is_int(writer_dir_time(w, "d", &t1, &e), 0, "a directory's time");
	writer_dir_time(w, "d/e", &t2, &e);
	writer_dir_time(w, "d/gone", &t2, &e);
	writer_dir_time(w, ".", &t1, &e);
	makes("d/e/f", S_IFREG | 0644, "");
	is_int(writer_set_time(w, "d/e/f", &t1, &e), 0, "a file's time");
	makes("l", S_IFLNK | 0777, "d/e/f");
	is_int(writer_set_time(w, "l", &t2, &e), 0, "a link's own time");
	makes("swap/in", S_IFDIR | 0755, NULL);
	makes("other/in", S_IFDIR | 0755, NULL);
	writer_dir_time(w, "other/in", &t2, &e);
	writer_dir_time(w, "swap/in", &t1, &e);
	writer_dir_time(w, "swap", &t1, &e);
	makes("swap/in", S_IFIFO | 0644, NULL);
	if (unlink("s/swap/in") < 0)
		err(1, "unlink");
	makes("swap", S_IFLNK | 0777, "other");
	writer_set_time(w, "swap", &t2, &e);
	finish("times");
	lstat("s/d", &st);
	ok(st.st_mtim.tv_sec == t1.tv_sec && st.st_mtim.tv_nsec == t1.tv_nsec,
		"directories have theirs although names were made in them");
	lstat("s/d/e", &st);
	is_int(st.st_mtim.tv_sec, -5, "before 1970 too");
	lstat("s", &st);
	is_int(st.st_mtim.tv_sec, t1.tv_sec, "the root as well");
	lstat("s/d/e/f", &st);
	is_int(st.st_mtim.tv_nsec, 123456789, "nanoseconds");
	lstat("s/l", &st);
	is_int(st.st_mtim.tv_sec, -5, "the link's");
	lstat("s/swap", &st);
	is_int(st.st_mtim.tv_sec, -5, "a link does not get the time of a directory");
	lstat("s/other/in", &st);
	is_int(st.st_mtim.tv_sec, -5, "nor does another directory that it leads to");
}

int main(void)
{
	scratch_make();
	test_names();
	test_links_in_the_way();
	test_dir_over_link();
	test_replace();
	test_types();
	test_hard_links();
	test_times();
	return done_testing();
}
