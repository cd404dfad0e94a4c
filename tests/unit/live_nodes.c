/* SPDX-License-Identifier: MIT */
/*
 * Nodes of a view that writes: how long they live, files that lost their names, files
 * that are others than before, and links.
 */
#include <limits.h>
#include <sys/sysmacros.h>

#include "fs/live/node.h"
#include "fs/show.h"
#include "fs/xattr.h"
#include "tests/unit/live_util.h"

static struct live *l;

static void begin(void)
{
	start_over();
	l = must_live(NULL);
}

/* Names are those of the tree, as no test leaves it otherwise. */
static void end(const char *what)
{
	must_close(l);
	agrees(what);
}

static int64_t record_count(void)
{
	int64_t n = 0;
	struct db_record r;
	struct err e;

	for (int64_t id = 1; id < 200; id++)
		n += db_record_get(live_db(l), id, &r, &e) == 1;
	return n;
}

static void test_references(void)
{
	struct live_node *f, *again;
	size_t before;
	struct stat st;

	begin();
	before = l->count;
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/f", S_IFREG | 0644, 0), "f");
	f = must_at(l, "d/f");
	again = must_at(l, "d/f");
	ok(f == again, "one file is one node");
	is_int(f->lookups, 3, "with a reference for each time it was handed out");
	live_forget(l, f, 2);
	is_int(live_stat(l, f, &st), 0, "one is left: it can be used");
	live_forget(l, f, 1);
	is_int(l->count, before + 1, "the last one: it is gone");
	f = must_at(l, "d/f");
	is_int(live_stat(l, f, &st), 0, "and comes again");
	live_forget(l, f->parent, f->parent->lookups);
	is_int(live_stat(l, f, &st), 0, "a directory stays as long as one below it");
	live_forget(l, f, 99);
	is_int(l->count, before, "both are gone, forgotten too often");
	live_forget(l, live_root(l), UINT64_MAX);
	is_int(live_stat(l, live_root(l), &st), 0, "the root stays");
	is_int(st.st_ino, DB_ROOT, "as inode 1");
	end("references");
}

/* All that a program can do with a file that it has open. */
static void use_file(struct live_node *n, const char *what)
{
	cleanup_buf struct buf value = {0}, names = {0}, path = {0};
	struct stat st;
	char text[10] = "";

	is_int(live_stat(l, n, &st), 0, "%s: stat", what);
	is_int(st.st_nlink, 0, "%s: no links", what);
	is_int(live_write(l, n, "hello", 5, 0), 5, "%s: write", what);
	is_int(live_read(l, n, text, 9, 0), 5, "%s: read", what);
	is_str(text, "hello", "%s: what was written", what);
	is_int(live_fallocate(l, n, 0, 0, 100), 0, "%s: fallocate", what);
	is_int(live_seek(l, n, 0, SEEK_HOLE), 100, "%s: seek", what);
	is_int(truncate_node(l, n, 7), 0, "%s: truncate", what);
	is_int(chmod_node(l, n, 0712), 0, "%s: chmod", what);
	is_int(chown_node(l, n, 44, 55), 0, "%s: chown", what);
	is_int(live_setxattr(l, n, "user.a", "b", 1, 0, false), 0, "%s: setxattr", what);
	is_int(live_getxattr(l, n, "user.a", false, &value), 0, "%s: getxattr", what);
	is_int(live_listxattr(l, n, false, &names), 0, "%s: listxattr", what);
	is_int(live_removexattr(l, n, "user.a", false), 0, "%s: removexattr", what);
	is_int(live_fsync(l, n, false), 0, "%s: fsync", what);
	is_int(live_stat(l, n, &st), 0, "%s: stat", what);
	ok(st.st_size == 7 && st.st_mode == (S_IFREG | 0712) && st.st_uid == 44 &&
			st.st_gid == 55 && st.st_nlink == 0,
		"%s: as it was set", what);
	is_int(live_path(l, n, &path), -ESTALE, "%s: no path", what);
	is_int(link_at(l, "", "x"), -EPERM, "a directory is not linked");
}

static void test_detached(void)
{
	struct live_node *f, *g;
	struct live_entry out;
	int64_t records;

	begin();
	records = record_count();
	must(make_at(l, "f", S_IFREG | 0644, 0), "f");
	must(make_at(l, "g", S_IFREG | 0644, 0), "g");
	must(make_at(l, "over", S_IFREG | 0644, 0), "over");
	f = must_at(l, "f");
	g = must_at(l, "g");
	must(remove_at(l, "f", false), "f");
	use_file(f, "removed");
	is_int(live_link(l, f, live_root(l), "again", &out), -ENOENT, "no new name");
	must(rename_at(l, "over", "g", 0), "over");
	use_file(g, "replaced");
	is_int(record_count(), records + 3, "their records are there");
	live_forget(l, f, f->lookups);
	live_forget(l, g, g->lookups);
	must(make_at(l, "next", S_IFREG | 0644, 0), "next");
	is_int(record_count(), records + 2, "and go with the change after the last use");
	must(remove_at(l, "next", false), "next");
	end("detached files");
}

/* Closed while files without a name are in use. */
static void test_detached_at_end(void)
{
	begin();
	must(make_at(l, "f", S_IFREG | 0644, 0), "f");
	must(live_setxattr(l, must_at(l, "f"), "user.a", "b", 1, 0, false), "user.a");
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/in", S_IFREG | 0755, 0), "d/in");
	if (unlink("s/d/in") < 0)
		err(1, "s/d/in");
	must(remove_at(l, "f", false), "f");
	must(remove_at(l, "d", true), "d");
	end("in use at the end, with records below");
}

static void test_detached_directory(void)
{
	struct live_node *d;
	struct live_new what = {S_IFREG | 0644, 022, 0, NULL};
	struct live_entry out;
	struct live_dirent ent;
	struct live_dir *dir;
	struct stat st;

	begin();
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	d = must_at(l, "d");
	dir = live_opendir(l, d);
	is_int(remove_at(l, "d", false), -EISDIR, "unlink of a directory");
	must(remove_at(l, "d", true), "d");
	is_int(live_stat(l, d, &st), 0, "a directory that was removed: stat");
	is_int(st.st_nlink, 0, "no links");
	is_int(chmod_node(l, d, 0711), 0, "chmod");
	is_int(live_setxattr(l, d, "user.a", "b", 1, 0, false), 0, "setxattr");
	is_int(live_make(l, d, "f", &what, &out), -ENOENT, "nothing is made in it");
	is_int(live_link(l, d, live_root(l), "x", &out), -ENOENT, "nor is it linked");
	is_int(live_lookup(l, d, "f", &out), -ENOENT, "nor found");
	is_int(live_remove(l, d, "f", false), -ENOENT, "nor removed");
	is_int(live_rename(l, d, "f", live_root(l), "f", 0), -ENOENT, "nor renamed");
	is_int(live_dir_begin(dir, true), 0, "it can be listed");
	ok(!live_dir_at(dir, 0, &ent), "and is empty");
	live_dir_end(dir);
	is_int(live_fsync(l, d, false), 0, "fsync");
	live_closedir(dir);
	end("a removed directory");
}

/* A device has no content; its placeholder stays what it is. */
static void test_device(void)
{
	struct live_node *n;
	struct stat st;
	char text[4];

	begin();
	must(make_at(l, "dev", S_IFCHR | 0600, makedev(1, 3)), "dev");
	n = must_at(l, "dev");
	is_int(live_read(l, n, text, 4, 0), -EINVAL, "a device: read");
	is_int(live_write(l, n, "text", 4, 0), -EINVAL, "write");
	is_int(truncate_node(l, n, 4), -EINVAL, "truncate");
	is_int(live_fallocate(l, n, 0, 0, 4), -EINVAL, "fallocate");
	is_int(live_stat(l, n, &st), 0, "stat");
	ok(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "it is still there");
	end("a device");
}

/* Another file at the same name is not the one that is known. */
static void test_replaced(void)
{
	struct live_node *f, *now;
	struct stat st;
	char text[4];

	begin();
	must(make_at(l, "f", S_IFREG | 0604, 0), "f");
	f = must_at(l, "f");
	usleep(300000); /* what was made is open for a while */
	put_text("s/new", "new");
	if (rename("s/new", "s/f") < 0)
		err(1, "rename");
	is_int(live_stat(l, f, &st), -ESTALE, "replaced beside the view: stat");
	is_int(live_read(l, f, text, 3, 0), -ESTALE, "read");
	is_int(live_write(l, f, "x", 1, 0), -ESTALE, "write");
	is_int(chmod_node(l, f, 0600), -ESTALE, "chmod");
	is_int(live_setxattr(l, f, "user.a", "b", 1, 0, false), -ESTALE, "setxattr");
	now = look(l, live_root(l), "f", &st);
	ok(now && now != f, "looked up, it is another node");
	is_int(st.st_mode, S_IFREG | 0604, "that the record holds for");
	is_int(live_read(l, now, text, 3, 0), 3, "with what it contains");
	if (unlink("s/f") < 0 || symlink("/etc/passwd", "s/f") < 0)
		err(1, "s/f");
	is_int(live_stat(l, now, &st), -ESTALE, "a symbolic link in its place: stat");
	is_int(live_read(l, now, text, 3, 0), 3, "what was open is read on");
	ok(look(l, live_root(l), "f", &st) && S_ISLNK(st.st_mode),
		"looked up, it is a link");
	is_int(st.st_ino & NODE_UNRECORDED, NODE_UNRECORDED, "without a record");
	if (unlink("s/f") < 0)
		err(1, "s/f");
	is_int(live_stat(l, now, &st), -ESTALE, "gone: stat");
	ok(!look(l, live_root(l), "f", &st) && errno == ENOENT, "looked up: nothing");
	must_close(l);
}

/* A directory that was moved away beside the view is not followed there. */
static void test_moved_out(void)
{
	struct live_node *d, *f;
	struct stat st;
	char text[4];

	begin();
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/f", S_IFREG | 0644, 0), "f");
	d = must_at(l, "d");
	f = must_at(l, "d/f");
	if (rename("s/d", "elsewhere") < 0 || symlink("../elsewhere", "s/d") < 0)
		err(1, "rename");
	usleep(300000); /* what was made is open for a while */
	is_int(live_stat(l, f, &st), -ESTALE, "a symbolic link to it: stat");
	is_int(live_read(l, f, text, 3, 0), -ESTALE, "read");
	is_int(live_write(l, f, "x", 1, 0), -ESTALE, "write");
	is_int(live_stat(l, d, &st), -ESTALE, "of the directory");
	ok(!look(l, d, "f", &st) && errno == ESTALE, "looked up in it");
	is_int(live_remove(l, d, "f", false), -ESTALE, "removed from it");
	ok(exists("elsewhere/f"), "all is there, outside");
	scratch_clear("elsewhere");
	must_close(l);
}

static void test_links(void)
{
	struct live_node *a, *b;
	struct stat st, other;

	begin();
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "a", S_IFREG | 0644, 0), "a");
	must(link_at(l, "a", "d/b"), "b");
	a = must_at(l, "a");
	b = must_at(l, "d/b");
	ok(a == b, "two names are one node");
	must(chown_node(l, a, 7, 8), "chown");
	ok(look(l, live_root(l), "a", &st) && st.st_nlink == 2 && st.st_uid == 7,
		"with two links and one owner");
	must(remove_at(l, "d/b", false), "b");
	is_int(live_stat(l, a, &st), 0, "the name it was known by last is gone");
	is_int(st.st_nlink, 1, "one link");
	ok(look(l, live_root(l), "a", &other) == a, "the other leads to the same node");
	must(remove_at(l, "a", false), "a");
	is_int(live_stat(l, a, &st), 0, "no name");
	is_int(st.st_nlink, 0, "no link");
	is_int(rename_at(l, "d", "d/below", 0), -EINVAL, "a directory into itself");
	end("links");
}

static void not_found(const char *path, int want, const char *what)
{
	size_t before = l->count;
	struct live_entry found;

	is_int(live_find(l, path, &found), want, "%s", what);
	is_int(l->count, before, "%s: no node is left", what);
}

static void test_find(void)
{
	char longest[DB_NAME_MAX + 4] = "d/";
	struct live_entry found, made;
	struct live_node *f;
	size_t before;

	begin();
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/e", S_IFDIR | 0755, 0), "d/e");
	must(make_at(l, "d/e/f", S_IFREG | 0644, 0), "d/e/f");
	must(make_at(l, "link", S_IFLNK | 0777, 0), "link");
	if (symlink("d", "s/to-d") < 0)
		err(1, "s/to-d");
	must_close(l);
	l = must_live(NULL);
	before = l->count;
	is_int(live_find(l, "d/e/f", &found), 0, "a path is found");
	ok(S_ISREG(found.st.st_mode), "with what it shows");
	is_int(found.node->lookups, 1, "one reference");
	is_int(found.node->parent->lookups + found.node->parent->parent->lookups, 0,
		"and none on the way");
	f = must_at(l, "d/e/f");
	ok(f == found.node, "it is the node that a look-up gives");
	is_int(live_link(l, f, live_root(l), "again", &made), 0, "it can be linked");
	live_forget(l, f, 3);
	is_int(l->count, before, "all is given back");
	is_int(live_find(l, "", &found), 0, "the root");
	ok(found.node == live_root(l), "is the root");
	live_forget(l, found.node, 1);
	is_int(live_find(l, "to-d", &found), 0, "a symbolic link");
	ok(S_ISLNK(found.st.st_mode), "is not followed");
	live_forget(l, found.node, 1);
	not_found("to-d/e", -ENOTDIR, "through a symbolic link");
	not_found("d/e/f/g", -ENOTDIR, "through a file");
	not_found("d/none", -ENOENT, "a name that is not there");
	not_found("none/f", -ENOENT, "a directory that is not there");
	not_found("/d", -EINVAL, "a path with a leading slash");
	not_found("d/e/", -EINVAL, "a trailing one");
	not_found("d//e", -EINVAL, "two in a row");
	not_found("d/./e", -EINVAL, "with a dot");
	not_found("d/..", -EINVAL, "with two");
	memset(longest + 2, 'n', DB_NAME_MAX + 1);
	not_found(longest, -ENAMETOOLONG, "a name that is too long");
	longest[DB_NAME_MAX + 2] = '\0';
	not_found(longest, -ENOENT, "the longest");
	unlink("s/to-d");
	end("found by path");
}

/* What a record holds beside what a file of its type can have, and of kinds unknown. */
static void test_listed_can_be_got(void)
{
	static const char *const names[] = {"trusted.t", "user.u",
		"system.posix_acl_access", "system.other", "user.", "none", "security.s"};
	cleanup_buf struct buf listed = {0}, value = {0};
	struct live_node *n;
	struct err e;

	begin();
	must(make_at(l, "link", S_IFLNK | 0777, 0), "link");
	n = must_at(l, "link");
	must(live_setxattr(l, n, "trusted.first", "v", 1, 0, true), "trusted.first");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		db_xattr_put(live_db(l), n->r.id, names[i], "v", 1, &e);
	is_int(live_listxattr(l, n, true, &listed), 0, "a symbolic link, raw");
	ok(listed.len == 35 && memcmp(listed.data, "security.s\0trusted.first\0trusted.t",
				       35) == 0,
		"lists what it can have");
	for (size_t i = 0; i < listed.len; i += strlen(listed.data + i) + 1)
		is_int(live_getxattr(l, n, listed.data + i, true, &value), 0, "%s",
			listed.data + i);
	ok(live_getxattr(l, n, "user.u", true, &value) < 0 &&
			live_getxattr(l, n, "system.other", true, &value) < 0,
		"and no other can be got");
	must_close(l);
}

/* Links of a file without a record, made beside the view. */
static void test_links_beside(void)
{
	struct stat st, other;
	struct live_node *b;

	begin();
	put_dir("s/d");
	put_dir("s/d/e");
	put_text("s/a", "x");
	if (link("s/a", "s/d/b") < 0 || link("s/a", "s/d/e/c") < 0 ||
		link("s/a", "outside") < 0)
		err(1, "link");
	b = must_at(l, "d/b");
	is_int(live_stat(l, b, &st), 0, "an unrecorded file with links");
	ok(st.st_ino & NODE_UNRECORDED, "has the staging file's number");
	must(chown_node(l, b, 3, 4), "chown");
	ok(look(l, live_root(l), "a", &other) && other.st_uid == 3 && other.st_gid == 4,
		"chown by one name shows at another");
	is_int(other.st_ino, st.st_ino, "the number stays");
	is_int(other.st_nlink, 3, "links outside do not count");
	live_forget(l, b, 99);
	must_close(l);
	l = must_live(NULL);
	ok(at(l, "d/e/c") && look(l, must_at(l, "d/e"), "c", &st) && st.st_uid == 3,
		"the third too, in another view");
	unlink("outside");
	end("links beside");
}

/* One record, two files: a tree that was copied without its links. */
static void test_split(void)
{
	struct live_node *a, *b;
	struct stat st;

	begin();
	must(make_at(l, "a", S_IFREG | 0640, 0), "a");
	must(chown_node(l, must_at(l, "a"), 7, 8), "chown");
	must(live_setxattr(l, must_at(l, "a"), "user.k", "v", 1, 0, false), "user.k");
	must(link_at(l, "a", "b"), "b");
	must_close(l);
	put_text("s/c", "of its own");
	if (rename("s/c", "s/b") < 0)
		err(1, "rename");
	l = must_live(NULL);
	a = must_at(l, "a");
	b = look(l, live_root(l), "b", &st);
	ok(a != b, "two files are two nodes");
	ok(st.st_uid == 7 && st.st_nlink == 1, "with one owner, and one link each");
	ok(st.st_ino & NODE_UNRECORDED, "the numbers differ");
	must(chown_node(l, b, 9, 9), "chown");
	is_int(live_stat(l, a, &st), 0, "chown of one");
	is_int(st.st_uid, 7, "is not one of the other");
	must(chmod_node(l, a, 0604), "chmod");
	is_int(live_stat(l, b, &st), 0, "nor");
	ok(st.st_uid == 9 && st.st_mode == (S_IFREG | 0640), "is chmod");
	{
		cleanup_buf struct buf value = {0};

		is_int(live_getxattr(l, b, "user.k", false, &value), 0,
			"attributes were copied");
	}
	must_close(l);
	hints_hold = false;
	agrees("a split record");
	hints_hold = true;
}

int main(void)
{
	scratch_make();
	test_references();
	test_detached();
	test_detached_at_end();
	test_detached_directory();
	test_device();
	test_replaced();
	test_moved_out();
	test_links();
	test_find();
	test_listed_can_be_got();
	test_links_beside();
	test_split();
	buf_free(&said);
	return done_testing();
}
