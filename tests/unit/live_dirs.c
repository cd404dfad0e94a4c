/* SPDX-License-Identifier: MIT */
/* Directories and names in a view that writes: listings, strange names, deep ones. */
#include <limits.h>

#include "fs/live/intent.h"
#include "fs/show.h"
#include "tests/unit/live_util.h"

#define LEVELS 24 /* of 250 bytes: deeper than PATH_MAX */

static struct live *l;

static void begin(void)
{
	start_over();
	l = must_live(NULL);
}

static void end(const char *what)
{
	must_close(l);
	agrees(what);
}

static int count_entries(struct live_dir *d)
{
	struct live_dirent ent;
	int n = 0;

	while (live_dir_at(d, (size_t)n, &ent))
		n++;
	return n;
}

static void test_listing(void)
{
	struct live_dir *d;
	struct live_dirent ent;
	struct live_entry found;
	char name[20];

	begin();
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d/%03d", i);
		must(make_at(l, name, S_IFREG | 0644, 0), name);
	}
	d = live_opendir(l, must_at(l, "d"));
	is_int(live_dir_begin(d, false), 0, "a listing");
	is_int(count_entries(d), 300, "has all");
	ok(live_dir_at(d, 150, &ent) && strcmp(ent.name, "150") == 0, "by position");
	ok(!live_dir_at(d, 300, &ent), "and no more");
	ok(!live_dir_at(d, SIZE_MAX / 2, &ent), "nor far behind it");
	live_dir_end(d);
	must(remove_at(l, "d/000", false), "000");
	must(make_at(l, "d/0000", S_IFIFO | 0644, 0), "0000");
	must(make_at(l, "d/999", S_IFREG | 0644, 0), "999");
	is_int(live_dir_begin(d, false), 0, "read on after changes");
	ok(live_dir_at(d, 150, &ent) && strcmp(ent.name, "150") == 0,
		"positions stay what they were");
	is_int(live_dir_look(d, "150", &found), 0, "and can be looked up");
	is_int(found.st.st_ino, ent.ino, "with the number that is listed");
	ok(live_dir_at(d, 0, &ent), "one that is gone is listed");
	is_int(live_dir_look(d, ent.name, &found), -ENOENT, "and not found");
	live_dir_end(d);
	is_int(live_dir_begin(d, true), 0, "made anew");
	is_int(count_entries(d), 301, "has what is there now");
	ok(live_dir_at(d, 0, &ent) && strcmp(ent.name, "0000") == 0 &&
			ent.type == S_IFIFO,
		"sorted, with its type");
	live_dir_end(d);
	live_closedir(d);
	end("a listing");
}

static void test_dots(void)
{
	struct live_dir *d;
	uint64_t self, up;
	struct stat st, above_st;
	struct live_node *n;

	begin();
	must(make_at(l, "a", S_IFDIR | 0755, 0), "a");
	must(make_at(l, "a/b", S_IFDIR | 0755, 0), "b");
	put_dir("s/a/plain");
	n = look(l, must_at(l, "a"), "b", &st);
	d = live_opendir(l, n);
	live_dir_dots(d, &self, &up);
	is_int(self, st.st_ino, "dot is the directory");
	live_stat(l, must_at(l, "a"), &above_st);
	is_int(up, above_st.st_ino, "dots the one above");
	must(rename_at(l, "a/b", "b", 0), "b");
	live_dir_dots(d, &self, &up);
	is_int(self, st.st_ino, "renamed: itself");
	is_int(up, DB_ROOT, "below the root");
	live_closedir(d);
	d = live_opendir(l, live_root(l));
	live_dir_dots(d, &self, &up);
	ok(self == DB_ROOT && up == DB_ROOT, "above the root is the root");
	live_closedir(d);
	n = look(l, must_at(l, "a"), "plain", &st);
	d = live_opendir(l, n);
	live_dir_dots(d, &self, &up);
	is_int(self, st.st_ino, "an unrecorded one");
	must(chown_node(l, n, 3, 4), "plain");
	live_dir_dots(d, &self, &up);
	is_int(self, st.st_ino, "keeps its number once it has a record");
	live_closedir(d);
	end("dots");
}

/* An unmount does not wait for the kernel's releases: who looks for leaks sees them. */
static void test_open_at_the_end(void)
{
	struct live_dir *d[4];

	begin();
	must(make_at(l, "a", S_IFDIR | 0755, 0), "a");
	for (int i = 0; i < 4; i++) {
		d[i] = live_opendir(l, i ? live_root(l) : must_at(l, "a"));
		is_int(live_dir_begin(d[i], true), 0, "listed");
		if (i != 2)
			live_dir_end(d[i]);
	}
	live_dir_end(d[2]);
	live_closedir(d[1]);
	live_closedir(d[3]);
	must(chown_node(l, must_at(l, "a"), 3, 4), "the others are open");
	end("open when the view ends");
}

static void try_name(const char *name)
{
	struct live_new what = {S_IFREG | 0604, 022, 0, NULL};
	struct live_node *root = live_root(l);
	struct live_entry made;
	struct stat st;
	int rc = live_make(l, root, name, &what, &made);
	int bad = rc < 0;

	bad += !rc && chown_node(l, made.node, 3, 4) < 0;
	bad += !look(l, root, name, &st) || st.st_uid != 3;
	bad += live_rename(l, root, name, root, "other", 0) < 0;
	bad += live_rename(l, root, "other", root, name, 0) < 0;
	bad += live_link(l, made.node, root, "link", &made) < 0;
	bad += live_remove(l, root, "link", false) < 0;
	bad += !look(l, root, name, &st) || st.st_nlink != 1 || st.st_gid != 4;
	is_int(bad, 0, "a name of %zu bytes, from byte %02x", strlen(name),
		(unsigned char)*name);
}

static void test_names(void)
{
	char name[300];
	struct live_new what = {S_IFREG | 0604, 022, 0, NULL};
	struct live_entry made;
	struct stat st;

	begin();
	for (int c = 1; c < 256; c++) {
		name[0] = (char)c;
		name[1] = c == '.' ? 'x' : '\0';
		name[2] = '\0';
		if (c != '/')
			try_name(name);
	}
	memset(name, 0xff, sizeof(name));
	name[255] = '\0';
	try_name(name);
	name[255] = 'x';
	name[256] = '\0';
	is_int(live_make(l, live_root(l), name, &what, &made), -ENAMETOOLONG,
		"256 bytes: make");
	is_int(live_rename(l, live_root(l), "a", live_root(l), name, 0), -ENAMETOOLONG,
		"rename");
	is_int(live_link(l, must_at(l, "a"), live_root(l), name, &made), -ENAMETOOLONG,
		"link");
	is_int(live_remove(l, live_root(l), name, false), -ENAMETOOLONG, "remove");
	ok(!look(l, live_root(l), name, &st) && errno == ENAMETOOLONG, "lookup");
	is_int(live_make(l, live_root(l), "a", &what, &made), -EEXIST, "a name twice");
	is_int(live_rename(l, live_root(l), "a", live_root(l), "b", RENAME_NOREPLACE),
		-EEXIST, "a rename that may not replace");
	is_int(live_rename(l, live_root(l), "a", live_root(l), "b",
		       RENAME_WHITEOUT | RENAME_EXCHANGE),
		-EINVAL, "an exchange leaves no whiteout");
	is_int(live_rename(l, live_root(l), "a", live_root(l), "none", RENAME_EXCHANGE),
		-ENOENT, "an exchange with nothing");
	is_int(live_remove(l, live_root(l), "nothing", false), -ENOENT, "nothing");
	is_int(live_remove(l, live_root(l), "a", true), -ENOTDIR, "rmdir of a file");
	what.mode = 0644;
	is_int(live_make(l, live_root(l), "new", &what, &made), -EINVAL, "no type");
	ok(!exists("s/new"), "makes nothing");
	end("names");
}

static struct stat shown(const char *path)
{
	struct stat st;

	must(live_stat(l, must_at(l, path), &st), path);
	return st;
}

static void test_whiteout(void)
{
	struct stat st, was;

	begin();
	must(make_at(l, "d", S_IFDIR | 0750, 0), "d");
	must(chown_node(l, must_at(l, "d"), 7, 8), "d");
	must(make_at(l, "d/f", S_IFREG | 0640, 0), "d/f");
	must(make_at(l, "d/g", S_IFREG | 0640, 0), "d/g");
	was = shown("d/f");
	is_int(rename_at(l, "d/f", "new", RENAME_WHITEOUT), 0, "a whiteout");
	is_int(shown("new").st_ino, was.st_ino, "the file is where it was to go");
	st = shown("d/f");
	is_int(st.st_mode, S_IFCHR, "in its place is a device that nobody may open");
	ok(st.st_rdev == 0 && st.st_nlink == 1 && st.st_uid == 0 && st.st_gid == 0,
		"0:0, as new files are owned");
	ok(st.st_ino != was.st_ino, "it is a file of its own");
	is_int(rename_at(l, "d/g", "new", RENAME_WHITEOUT), 0, "over a file");
	ok(!exists("s/d/" INTENT_READY), "nothing else is left");
	must(make_at(l, "full", S_IFDIR | 0700, 0), "full");
	must(make_at(l, "full/x", S_IFREG | 0600, 0), "full/x");
	must(make_at(l, "e", S_IFDIR | 0700, 0), "e");
	was = shown("");
	is_int(rename_at(l, "e", "full", RENAME_WHITEOUT), -ENOTEMPTY,
		"over a directory with names in it");
	is_int(rename_at(l, "none", "x", RENAME_WHITEOUT), -ENOENT, "of nothing");
	is_int(rename_at(l, "e", "full", RENAME_WHITEOUT | RENAME_NOREPLACE), -EEXIST,
		"that may not replace");
	st = shown("");
	ok(st.st_ctim.tv_sec == was.st_ctim.tv_sec &&
			st.st_ctim.tv_nsec == was.st_ctim.tv_nsec,
		"what is refused touches nothing");
	put_text("s/d/" INTENT_READY, "somebody's own");
	is_int(rename_at(l, "new", "d/new", RENAME_WHITEOUT), 0, "into its directory");
	is_int(rename_at(l, "d/new", "new", RENAME_WHITEOUT), -EEXIST,
		"a file that has the name under which it lies ready");
	ok(exists("s/d/" INTENT_READY) && exists("s/d/new"), "stays, and so does all");
	unlink("s/d/" INTENT_READY);
	end("whiteouts");
}

/* Down LEVELS directories, then all that can be done there. */
static void test_deep(void)
{
	struct live_new what = {S_IFDIR | 0711, 022, 0, NULL};
	struct live_node *n, *dirs[LEVELS];
	cleanup_buf struct buf path = {0};
	struct live_entry made;
	struct live_dir *d;
	char name[251];
	struct stat st;
	int bad = 0;

	begin();
	memset(name, 'n', 250);
	name[250] = '\0';
	n = live_root(l);
	for (int i = 0; i < LEVELS; i++) {
		bad += live_make(l, n, name, &what, &made) < 0;
		n = dirs[i] = made.node;
	}
	is_int(bad, 0, "directories deeper than PATH_MAX");
	what.mode = S_IFREG | 0600;
	is_int(live_make(l, n, "f", &what, &made), 0, "a file there");
	is_int(live_write(l, made.node, "x", 1, 0), 1, "written");
	is_int(chown_node(l, made.node, 3, 4), 0, "and owned");
	is_int(live_setxattr(l, made.node, "user.a", "b", 1, 0, false), 0,
		"with an attribute");
	is_int(live_path(l, made.node, &path), 0, "its path");
	is_int(path.len, LEVELS * 251 + 2, "is long");
	is_int(live_rename(l, n, "f", live_root(l), "f", 0), 0, "up to the root");
	is_int(live_rename(l, live_root(l), "f", n, "g", 0), 0, "and down");
	is_int(live_rename(l, live_root(l), name, live_root(l), "top", 0), 0,
		"the top is renamed");
	is_int(live_stat(l, made.node, &st), 0, "what is known below is there");
	ok(st.st_uid == 3 && st.st_size == 1, "as it was");
	d = live_opendir(l, n);
	is_int(live_dir_begin(d, true), 0, "listed");
	is_int(count_entries(d), 1, "with one name");
	live_dir_end(d);
	live_closedir(d);
	is_int(live_remove(l, n, "g", false), 0, "removed");
	bad = 0;
	for (int i = LEVELS; i-- > 1;)
		bad += live_remove(l, dirs[i - 1], name, true) < 0;
	is_int(bad, 0, "the directories, too");
	must(remove_at(l, "top", true), "top");
	end("deep ones");
}

/* Nodes below a directory go on when it moves, over another one and by exchange. */
static void test_rename_above(void)
{
	struct live_node *f, *d;
	cleanup_buf struct buf path = {0};
	char text[4] = "";
	struct stat st;

	begin();
	must(make_at(l, "a", S_IFDIR | 0755, 0), "a");
	must(make_at(l, "a/b", S_IFDIR | 0755, 0), "b");
	must(make_at(l, "a/b/f", S_IFREG | 0644, 0), "f");
	must(make_at(l, "empty", S_IFDIR | 0755, 0), "empty");
	must(make_at(l, "x", S_IFREG | 0644, 0), "x");
	f = must_at(l, "a/b/f");
	d = must_at(l, "a/b");
	must(live_write(l, f, "abc", 3, 0) == 3 ? 0 : -EIO, "write");
	must(rename_at(l, "a", "empty", 0), "over empty");
	is_int(live_path(l, f, &path), 0, "a file below a directory that moved");
	is_str(path.data, "empty/b/f", "has its new path");
	must(rename_at(l, "empty", "x", RENAME_EXCHANGE), "exchange");
	is_int(live_read(l, f, text, 3, 0), 3, "exchanged: read");
	is_int(chown_node(l, f, 5, 5), 0, "chown");
	is_int(live_stat(l, d, &st), 0, "stat of the directory");
	path.len = 0;
	is_int(live_path(l, f, &path), 0, "its path");
	is_str(path.data, "x/b/f", "is the other name's");
	is_int(rename_at(l, "x", "x/b/c", 0), -EINVAL, "not into itself");
	is_int(rename_at(l, "x", "x/b", RENAME_EXCHANGE), -EINVAL, "nor by exchange");
	is_int(rename_at(l, "x/b", "x", 0), -ENOTEMPTY, "nor over what it is in");
	is_int(rename_at(l, "x", "empty", 0), -ENOTDIR, "nor over a file");
	is_int(rename_at(l, "empty", "x", 0), -EISDIR, "nor a file over it");
	is_int(live_stat(l, f, &st), 0, "all refused: it is there");
	is_int(st.st_uid, 5, "with its owner");
	end("renames above");
}

/* What no record says is the default, also of files that come beside the view. */
static void test_defaults(void)
{
	struct live_options o = {.uid = 12, .gid = 34, .say = live_say};
	struct live_node *n;
	struct stat st;
	struct err e;
	struct db *db;

	start_over();
	put_text("s/f", "x");
	if (live_open(&l, must_stage("s"), must_open(DB, DB_LIVE), &o, &e) < 0)
		errx(1, "%s", e.msg);
	n = look(l, live_root(l), "f", &st);
	ok(st.st_uid == 12 && st.st_gid == 34,
		"an unrecorded file is the default owner's");
	is_int(st.st_mode, S_IFREG | 0644, "with its own mode");
	must(chmod_node(l, n, 0600), "chmod");
	is_int(live_stat(l, n, &st), 0, "one with a mode");
	ok(st.st_uid == 12 && st.st_gid == 34, "is still");
	must(make_at(l, "new", S_IFREG | 0666, 0), "new");
	ok(look(l, live_root(l), "new", &st) && st.st_uid == 12 && st.st_gid == 34,
		"and so is a new one");
	must_close(l);
	db = must_open(DB, DB_READ);
	{
		struct db_record r;

		is_int(db_name_get(db, DB_ROOT, "f", 1, &r, &e), 1, "its record");
		ok(r.uid == DB_SILENT && r.gid == DB_SILENT && r.mode == 0600,
			"says no more than what was set");
		is_int(db_name_get(db, DB_ROOT, "new", 3, &r, &e), 1, "the new one's");
		ok(r.uid == 12 && r.gid == 34, "says all");
	}
	db_close(db);
	agrees("defaults");
}

int main(void)
{
	scratch_make();
	test_listing();
	test_dots();
	test_open_at_the_end();
	test_names();
	test_whiteout();
	test_deep();
	test_rename_above();
	test_defaults();
	buf_free(&said);
	return done_testing();
}
