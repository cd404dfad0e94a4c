/* SPDX-License-Identifier: MIT */
/* What a view shows: defaults, records, links, labels, attributes, content. */
#include "fs/engine.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/db_util.h"

static struct engine *en;
static struct err e;

static void start(const struct engine_options *o)
{
	static const struct engine_options none;

	en = must_engine(
		"s", exists("s.livery") ? "s.livery" : NULL, DB_SEALED, o ? *o : none);
}

static void clear(void)
{
	scratch_clear("s");
	unlink("s.livery");
	put_dir("s");
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	engine_stat(en, must_find(en, path), &st);
	return st;
}

struct telling {
	char text[1024];
	size_t count;
};

static void tell(void *arg, const struct finding *f)
{
	struct telling *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%d:%s;", f->kind, f->path);
	t->count++;
}

static void findings_are(const char *want, const char *what)
{
	struct telling t = {0};

	is_int(engine_findings(en, tell, &t), t.count, "%s: findings", what);
	is_str(t.text, want, "%s: which", what);
}

static void test_defaults(void)
{
	struct engine_options o = {.uid = 12, .gid = 34};
	struct stat st, host;
	const struct entry *entries;
	size_t count;

	clear();
	put_dir("s/d");
	put_text("s/d/f", "text");
	put_link("f", "s/d/l");
	if (chmod("s/d/f", 04751) < 0 || mkfifo("s/d/p", 0600) < 0)
		err(1, "s/d");
	start(NULL);
	st = stat_of("d/f");
	lstat("s/d/f", &host);
	ok(st.st_mode == (S_IFREG | 04751) && st.st_size == 4, "mode and size");
	ok(st.st_uid == 0 && st.st_gid == 0, "what is the caller's shows as root's");
	ok(st.st_mtim.tv_sec == host.st_mtim.tv_sec &&
			st.st_ctim.tv_nsec == host.st_mtim.tv_nsec,
		"the modification time is all three times");
	ok(stat_of("d/p").st_mode == (S_IFIFO | 0600), "a FIFO");
	is_int(stat_of("d/l").st_mode, S_IFLNK | 0777, "a link");
	is_int(stat_of("d").st_size, 4096, "a directory's size is a constant");
	ok(engine_is_dir(must_find(en, "d")) && !engine_is_dir(must_find(en, "d/f")),
		"engine_is_dir");
	is_int(engine_record(must_find(en, "d/f")), 0, "no record");
	ok(!engine_label(must_find(en, "d/f")), "no label");
	ok(engine_parent(must_find(en, "d")) == engine_root(en), "engine_parent");
	is_int(engine_list(en, must_find(en, "d"), &entries, &count, &e), 0, "a listing");
	ok(count == 3 && strcmp(entries[0].name, "f") == 0 &&
			strcmp(entries[2].name, "p") == 0,
		"is sorted");
	ok(!engine_find(en, "d/none", &e) && e.sys == ENOENT && strstr(e.msg, "d/none"),
		"what is not there: %s", e.msg);
	ok(!engine_find(en, "d/f/x", &e) && e.sys == ENOTDIR, "below a file");
	ok(!engine_find(en, "..", &e) && !engine_find(en, "d/..", &e), "no '..'");
	ok(!engine_lookup(en, engine_root(en), "none", &e) && e.sys == ENOENT, "lookup");
	findings_are("", "nothing is wrong");
	engine_close(en);
	start(&o);
	ok(stat_of("d/f").st_uid == 12 && stat_of("").st_gid == 34, "--default-owner");
	engine_close(en);
	engine_close(NULL);
}

static void test_records(void)
{
	struct db_record r = db_record_new(S_IFCHR);
	struct engine_options clamp = {.clamp = true, .clamp_time = 1000000};
	struct timespec times[2] = {{5000000, 7}, {5000000, 7}};
	struct db *db;
	char *path;

	clear();
	put_dir("s/d");
	put_text("s/d/silent", "x");
	put_text("s/d/tty", "");
	put_text("s/old", "x");
	put_text("s/early", "x");
	utimensat(AT_FDCWD, "s/old", times, 0);
	times[1].tv_sec = 999999;
	utimensat(AT_FDCWD, "s/early", times, 0);
	db = must_open("s.livery", DB_CREATE);
	must_add(db, must_add(db, DB_ROOT, "d", S_IFDIR), "silent", S_IFREG);
	r.rdev = makedev(5, 0);
	r.mode = 0666;
	r.uid = 0;
	r.gid = 5;
	db_record_put(db, &r, &e);
	db_name_put(db, 2, "tty", 3, r.id, &e);
	must_add(db, DB_ROOT, "gone", S_IFREG);
	db_close(db);
	start(NULL);
	is_int(stat_of("d/silent").st_mode, S_IFREG | 0644,
		"a silent record changes "
		"nothing");
	ok(engine_record(must_find(en, "d/silent")) == 3, "but is there");
	is_int(stat_of("d/silent").st_ino, 3, "and gives the inode number");
	ok(stat_of("d/tty").st_mode == (S_IFCHR | 0666) &&
			stat_of("d/tty").st_rdev == makedev(5, 0) &&
			stat_of("d/tty").st_gid == 5,
		"a device over its placeholder");
	ok(engine_read(en, must_find(en, "d/tty"), times, 1, 0, &e) < 0,
		"has no content");
	ok(!engine_find(en, "gone", &e), "a record without a file shows nothing");
	path = engine_path(must_find(en, "d/tty"));
	is_str(path, "d/tty", "engine_path");
	free(path);
	is_int(stat_of("old").st_mtim.tv_sec, 5000000, "times as they are");
	engine_close(en);
	start(&clamp);
	ok(stat_of("old").st_mtim.tv_sec == 1000000 &&
			stat_of("old").st_mtim.tv_nsec == 0,
		"clamped");
	ok(stat_of("early").st_mtim.tv_sec == 999999 &&
			stat_of("early").st_mtim.tv_nsec == 7,
		"what is earlier is not");
	engine_close(en);
}

static void test_links(void)
{
	struct db *db;
	int64_t id;

	clear();
	put_text("s/a", "x");
	put_text("s/u", "x");
	put_text("s/split1", "x");
	put_text("s/split2", "y");
	if (link("s/a", "s/b") < 0 || link("s/a", "elsewhere") < 0 ||
		link("s/u", "s/v") < 0)
		err(1, "link");
	db = must_open("s.livery", DB_CREATE);
	must_link(db, DB_ROOT, "b", must_add(db, DB_ROOT, "a", S_IFREG));
	id = must_add(db, DB_ROOT, "split1", S_IFREG);
	must_link(db, DB_ROOT, "split2", id);
	db_close(db);
	start(NULL);
	ok(must_find(en, "a") == must_find(en, "b"), "two names, one node");
	is_int(stat_of("a").st_nlink, 2, "a third link outside does not count");
	ok(engine_host_linked(must_find(en, "a")), "engine_host_linked");
	ok(must_find(en, "u") == must_find(en, "v"), "without record too");
	is_int(stat_of("u").st_nlink, 2, "link count");
	ok(must_find(en, "split1") != must_find(en, "split2"),
		"names of one record that are two files now");
	ok(!engine_split(must_find(en, "split1")) &&
			engine_split(must_find(en, "split2")),
		"engine_split");
	ok(stat_of("split1").st_ino == (ino_t)id && stat_of("split2").st_ino != (ino_t)id,
		"have two inode numbers");
	is_int(stat_of("split2").st_nlink, 1, "and link counts of their own");
	engine_close(en);
	unlink("elsewhere");
}

static void test_replaced(void)
{
	struct db *db;

	clear();
	put_dir("s/was-file");
	put_text("s/was-dir", "x");
	put_text("s/dev", "not empty");
	put_text("s/unrecorded", "x");
	db = must_open("s.livery", DB_CREATE);
	must_add(db, DB_ROOT, "was-file", S_IFREG);
	must_add(db, must_add(db, DB_ROOT, "was-dir", S_IFDIR), "below", S_IFREG);
	must_add(db, DB_ROOT, "dev", S_IFCHR);
	db_close(db);
	start(NULL);
	is_int(stat_of("was-file").st_mode, S_IFDIR | 0755, "what is there shows");
	is_int(stat_of("dev").st_mode, S_IFREG | 0644, "a device's file with content");
	ok(engine_record(must_find(en, "was-dir")) == 0, "the record is not used");
	ok(!finding_breaks_seal(FINDING_REPLACED) &&
			!finding_breaks_seal(FINDING_SPLIT) &&
			finding_breaks_seal(FINDING_CHANGED) &&
			finding_breaks_seal(FINDING_UNREADABLE) &&
			finding_breaks_seal(FINDING_BAD_XATTR) &&
			finding_breaks_seal(FINDING_DATABASE),
		"what breaks a seal");
	{
		struct telling t = {0};

		is_int(engine_findings(en, tell, &t), 3, "three findings");
		ok(strstr(t.text, "was-file;") && strstr(t.text, "was-dir;") &&
				strstr(t.text, "dev;"),
			"by name: %s", t.text);
	}
	engine_close(en);
}

static int see(void *arg, const struct xattr *x)
{
	struct telling *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s=%.*s/%zu;", x->name,
		(int)x->len, (const char *)x->value, x->len);
	return ++t->count == 99;
}

static void xattrs_are(const char *path, const char *want, const char *what)
{
	struct telling t = {0};

	is_int(engine_xattrs(en, must_find(en, path), see, &t, &e), 0, "%s", what);
	is_str(t.text, want, "%s: which", what);
}

/* What a reader past the kernel gets: each that is listed can be got, and is the same. */
static int see_again(void *arg, const struct xattr *x)
{
	struct xattr got = {0};
	struct err no;

	if (engine_xattr_raw(en, must_find(en, "f"), x->name, &got, &no) != 1 ||
		got.len != x->len || memcmp(got.value, x->value, x->len) != 0)
		return 1;
	return see(arg, x);
}

static void raw_xattrs_are(const char *want, const char *what)
{
	struct telling t = {0};

	is_int(engine_xattrs_raw(en, must_find(en, "f"), see_again, &t, &e), 0,
		"%s, raw: each can be got", what);
	is_str(t.text, want, "%s, raw: which", what);
}

static void test_xattrs(void)
{
	struct engine_options no_labels = {.no_labels = true};
	struct db *db;
	struct xattr x;
	int64_t id, label;
	bool host;

	clear();
	put_text("s/f", "x");
	put_text("s/host", "x");
	put_text("s/excluded", "x");
	put_text("s/bad", "x");
	put_link("f", "s/l");
	host = setxattr("s/f", "user.b", "host", 4, 0) == 0 &&
	       setxattr("s/host", "user.only", "h", 1, 0) == 0 &&
	       setxattr("s", "user.root", "r", 1, 0) == 0;
	if (!host && errno != ENOTSUP)
		err(1, "setxattr");
	setxattr("s/f", "trusted.no", "x", 1, 0);
	db = must_open("s.livery", DB_CREATE);
	id = must_add(db, DB_ROOT, "f", S_IFREG);
	label = db_label_intern(db, "u:r:t:s0", 8, &e);
	db_record_set_label(db, id, label, &e);
	db_xattr_put(db, id, "user.z", "", 0, &e);
	db_xattr_put(db, id, "user.b", "db", 2, &e);
	db_xattr_put(db, id, "security.a", "1", 1, &e);
	db_xattr_put(db, id, "trusted.x", "1", 1, &e);
	db_xattr_put(db, id, "livery.path", "1", 1, &e);
	db_xattr_put(db, id, "user.", "1", 1, &e);
	db_xattr_put(db, id, "security.", "1", 1, &e);
	db_xattr_put(db, id, "trusted.", "1", 1, &e);
	db_xattr_put(db, id, "security.selinux", "forged", 6, &e);
	db_xattr_put(db, must_add(db, DB_ROOT, "bad", S_IFREG), "security.capability",
		"bad", 3, &e);
	id = must_add(db, DB_ROOT, "l", S_IFLNK);
	db_record_set_label(db, id, label, &e);
	db_xattr_put(db, id, "user.x", "1", 1, &e);
	id = must_add(db, DB_ROOT, "excluded", S_IFREG);
	db_record_set_label(db, id, db_label_intern(db, "<<none>>", 8, &e), &e);
	db_close(db);
	start(NULL);
	xattrs_are("f",
		"security.a=1/1;security.selinux=u:r:t:s0/9;user.b=db/2;user.z=/0;",
		"sorted, the label with its NUL, the database wins");
	xattrs_are(
		"l", "security.selinux=u:r:t:s0/9;", "user.* on a link is never listed");
	xattrs_are("host", host ? "user.only=h/1;" : "", "the staging file's own");
	xattrs_are("", host ? "user.root=r/1;" : "", "the root's own");
	xattrs_are("bad", "", "a value that cannot be is not listed");
	findings_are("2:/bad;", "but told");
	is_int(engine_xattr(en, must_find(en, "f"), "security.selinux", &x, &e), 1,
		"the label by name");
	ok(x.len == 9 && memcmp(x.value, "u:r:t:s0", 9) == 0, "with its NUL");
	is_int(engine_xattr(en, must_find(en, "f"), "user.z", &x, &e), 1, "an empty one");
	is_int(x.len, 0, "has no bytes");
	is_int(engine_xattr(en, must_find(en, "f"), "trusted.x", &x, &e), 0, "trusted.*");
	is_int(engine_xattr(en, must_find(en, "f"), "none", &x, &e), 0, "none");
	raw_xattrs_are("security.a=1/1;security.selinux=u:r:t:s0/9;trusted.x=1/1;"
		       "user.b=db/2;user.z=/0;",
		"trusted.* too, of the record");
	is_int(engine_xattr_raw(en, must_find(en, "f"), "trusted.no", &x, &e), 0,
		"the staging file's is not there");
	is_int(engine_xattr_raw(en, must_find(en, "l"), "user.x", &x, &e), 0,
		"nor user.* on a link");
	is_int(engine_xattr_raw(en, must_find(en, "f"), "livery.path", &x, &e), 0,
		"nor what the side channel's names are");
	is_int(engine_xattr_raw(en, must_find(en, "f"), "user.", &x, &e), 0,
		"nor what has no name behind the dot");
	is_str(engine_label(must_find(en, "f")), "u:r:t:s0", "engine_label");
	ok(!engine_label(must_find(en, "excluded")) &&
			engine_label_excluded(must_find(en, "excluded")),
		"what the policy excludes shows no label");
	engine_close(en);
	start(&no_labels);
	xattrs_are("f", "security.a=1/1;user.b=db/2;user.z=/0;", "no-labels");
	raw_xattrs_are(
		"security.a=1/1;trusted.x=1/1;user.b=db/2;user.z=/0;", "no-labels");
	is_int(engine_xattr_raw(en, must_find(en, "f"), "security.selinux", &x, &e), 0,
		"nor by name");
	engine_close(en);
}

static void test_content(void)
{
	char buf[64], target[16];
	int fd;

	clear();
	put_text("s/f", "0123456789");
	put_link("f", "s/l");
	fd = open("s/sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, "x", 1, 1 << 20) != 1 || close(fd) < 0)
		err(1, "s/sparse");
	start(NULL);
	is_int(engine_read(en, must_find(en, "f"), buf, sizeof(buf), 0, &e), 10, "whole");
	ok(memcmp(buf, "0123456789", 10) == 0, "content");
	is_int(engine_read(en, must_find(en, "f"), buf, 3, 4, &e), 3, "a part");
	ok(memcmp(buf, "456", 3) == 0, "from an offset");
	is_int(engine_read(en, must_find(en, "f"), buf, 3, 10, &e), 0, "at the end");
	is_int(engine_read(en, must_find(en, "f"), buf, 3, 1 << 30, &e), 0, "behind it");
	is_int(engine_read(en, engine_root(en), buf, 3, 0, &e), -1, "a directory");
	is_int(e.sys, EISDIR, "EISDIR");
	ok(engine_seek(en, must_find(en, "sparse"), 0, SEEK_DATA, &e) <= 1 << 20, "data");
	ok(engine_seek(en, must_find(en, "sparse"), 1 << 20, SEEK_HOLE, &e) > 1 << 20,
		"the hole behind it");
	is_int(engine_seek(en, must_find(en, "f"), 10, SEEK_DATA, &e), -1,
		"past the end");
	is_int(e.sys, ENXIO, "ENXIO");
	is_int(engine_seek(en, must_find(en, "f"), 0, SEEK_SET, &e), -1, "SEEK_SET");
	is_int(engine_readlink(en, must_find(en, "l"), target, sizeof(target), &e), 0,
		"a link");
	is_str(target, "f", "its target");
	is_int(engine_readlink(en, must_find(en, "f"), target, sizeof(target), &e), -1,
		"no link");
	findings_are("", "nothing is wrong");
	engine_close(en);
}

/* The names of all attributes of a file fill what listxattr(2) can give, and no more. */
static void test_many_xattrs(void)
{
	int64_t id, labeled;
	char name[17], hidden[19];
	struct xattr x;
	struct db *db;

	clear();
	put_text("s/full", "x");
	put_text("s/labeled", "x");
	db = must_open("s.livery", DB_CREATE);
	db_begin(db, &e);
	id = must_add(db, DB_ROOT, "full", S_IFREG);
	labeled = must_add(db, DB_ROOT, "labeled", S_IFREG);
	for (int i = 0; i < 65536 / 16; i++) {
		snprintf(name, sizeof(name), "user.%010u", (unsigned)i % 100000);
		db_xattr_put(db, id, name, "1", 1, &e);
		db_xattr_put(db, labeled, name, "1", 1, &e);
	}
	db_record_set_label(db, labeled, db_label_intern(db, "u:r:t", 5, &e), &e);
	for (int i = 0; i <= 65536 / 19; i++) {
		snprintf(hidden, sizeof(hidden), "trusted.%010u", (unsigned)i % 100000);
		db_xattr_put(db, id, hidden, "1", 1, &e);
	}
	db_commit(db, &e);
	db_close(db);
	start(NULL);
	is_int(engine_xattr(en, must_find(en, "full"), name, &x, &e), 1, "the last");
	is_int(engine_xattr_raw(en, must_find(en, "full"), hidden, &x, &e), 0,
		"of trusted.* there are no more than that either");
	hidden[strlen(hidden) - 1]--;
	is_int(engine_xattr_raw(en, must_find(en, "full"), hidden, &x, &e), 1,
		"but as many, beside the others");
	findings_are("2:/labeled;", "with a label it is too many");
	is_int(engine_xattr(en, must_find(en, "labeled"), name, &x, &e), 0,
		"and what is too many is not shown");
	is_int(engine_xattr(en, must_find(en, "labeled"), "user.0000000000", &x, &e), 1,
		"but the others are");
	engine_close(en);
}

/* A hard link whose first directory cannot be read, beside attributes of the root's own.
 */
static void test_own_xattrs(void)
{
	struct db_record r = db_record_new(S_IFREG);
	const char *want = "user.f=f/1;";
	struct db *db;
	int64_t a;

	clear();
	put_dir("s/a");
	put_text("s/a/f", "x");
	put_text("s/a/z", "x");
	if (link("s/a/f", "s/f") < 0)
		err(1, "link");
	if (setxattr("s", "user.root", "r", 1, 0) < 0 ||
		setxattr("s/f", "user.f", "f", 1, 0) < 0)
		want = "";
	db = must_open("s.livery", DB_CREATE);
	a = must_add(db, DB_ROOT, "a", S_IFDIR);
	must_link(db, DB_ROOT, "f", must_add(db, a, "f", S_IFREG));
	db_record_put(db, &r, &e);
	must_link(db, a, "z", r.id);
	db_close(db);
	spoil("s.livery", "PRAGMA foreign_keys = OFF;"
			  "UPDATE record SET label = 99 WHERE id = "
			  "(SELECT record FROM name WHERE name = CAST('z' AS BLOB))");
	start(NULL);
	ok(!engine_find(en, "a/f", &e), "a directory with a damaged record: %s", e.msg);
	xattrs_are("f", want, "another name of a file in it");
	engine_close(en);
}

int main(void)
{
	struct engine_options o;

	scratch_make();
	unsetenv("SOURCE_DATE_EPOCH");
	is_int(engine_options_init(&o, &e), 0, "options");
	ok(!o.uid && !o.gid && !o.clamp && !o.no_labels, "are all off");
	test_defaults();
	test_records();
	test_links();
	test_replaced();
	test_xattrs();
	test_many_xattrs();
	test_own_xattrs();
	test_content();
	return done_testing();
}
