/* SPDX-License-Identifier: MIT */
/* What a view that writes does when it cannot: nothing, and it says so. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "db/internal.h"
#include "fs/xattr.h"
#include "tests/unit/live_util.h"

static struct live *l;
static struct statvfs room = {.f_bsize = 1 << 20, .f_frsize = 4096, .f_bavail = 1 << 20};

/* In place of the C library's: what is left beside the database. */
int statvfs(const char *path, struct statvfs *sv)
{
	(void)path;
	*sv = room;
	return 0;
}

/* No file gets longer than the database's log is now: no change can be committed. */
static void disk_full(bool full)
{
	struct rlimit limit;
	struct stat st;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (full && stat(DB "-wal", &st) < 0)
		err(1, DB "-wal");
	if (full)
		limit.rlim_cur = (rlim_t)st.st_size;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		err(1, "setrlimit");
}

static int make_file(void)
{
	return make_at(l, "d/new", S_IFREG | 0600, 0);
}

static int make_file_here(void)
{
	return make_at(l, "new", S_IFREG | 0600, 0);
}

static int make_dir(void)
{
	return make_at(l, "d/new", S_IFDIR | 0700, 0);
}

static int make_link(void)
{
	return make_at(l, "d/new", S_IFLNK | 0777, 0);
}

static int make_device(void)
{
	return make_at(l, "plaindir/new", S_IFCHR | 0600, makedev(1, 3));
}

static int link_file(void)
{
	return link_at(l, "f", "d/new");
}

static int link_plain(void)
{
	return link_at(l, "plain", "d/new");
}

static int rename_file(void)
{
	return rename_at(l, "f", "d/new", 0);
}

static int rename_dir(void)
{
	return rename_at(l, "d", "new", 0);
}

static int exchange(void)
{
	return rename_at(l, "f", "d", RENAME_EXCHANGE);
}

static int chown_file(void)
{
	return chown_node(l, must_at(l, "f"), 77, 77);
}

static int chmod_file(void)
{
	return chmod_node(l, must_at(l, "f"), 0111);
}

static int chown_plain(void)
{
	return chown_node(l, must_at(l, "plain"), 77, 77);
}

static int set_attribute(void)
{
	return live_setxattr(l, must_at(l, "f"), "user.b", "c", 1, 0, false);
}

static int remove_attribute(void)
{
	return live_removexattr(l, must_at(l, "f"), "user.a", false);
}

static int set_label(void)
{
	return live_setxattr(l, must_at(l, "f"), XATTR_LABEL, "u:r:new", 7, 0, true);
}

static const struct {
	int (*fn)(void);
	const char *what;
} changes[] = {
	{make_file, "a new file"},
	{make_dir, "a new directory"},
	{make_link, "a new symbolic link"},
	{make_device, "a new device in an unrecorded directory"},
	{link_file, "a link"},
	{link_plain, "a link to an unrecorded file"},
	{rename_file, "a rename"},
	{rename_dir, "a rename of a directory"},
	{exchange, "an exchange"},
	{chown_file, "chown"},
	{chmod_file, "chmod"},
	{chown_plain, "chown of an unrecorded file"},
	{set_attribute, "an attribute"},
	{remove_attribute, "removing an attribute"},
	{set_label, "a label"},
};

static void build(void)
{
	start_over();
	put_text("s/plain", "");
	put_dir("s/plaindir");
	l = must_live(NULL);
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/in", S_IFREG | 0755, 0), "in");
	must(make_at(l, "f", S_IFREG | 0640, 0), "f");
	must(chown_node(l, must_at(l, "f"), 5, 6), "chown");
	must(live_setxattr(l, must_at(l, "f"), "user.a", "b", 1, 0, false), "user.a");
}

static void test_full(void)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *what = changes[i].what;
		struct buf before = {0}, after = {0};
		int rc;

		build();
		describe(l, live_root(l), "", &before);
		said.len = 0;
		disk_full(true);
		rc = changes[i].fn();
		disk_full(false);
		ok(rc < 0 && rc != -EAGAIN, "%s on a full disk: %s", what, strerror(-rc));
		ok(said.len && strstr(said.data, DB), "%s: said", what);
		describe(l, live_root(l), "", &after);
		is_str(after.data, before.data, "%s: nothing changed", what);
		buf_free(&before);
		buf_free(&after);
		is_int(disagreements(live_db(l)), 0, "%s: tree and database agree", what);
		is_int(changes[i].fn(), 0, "%s: done with room again", what);
		must_close(l);
		agrees(what);
	}
}

/* A file that is gone is gone, and the next one of its name is another. */
static void test_full_remove(void)
{
	struct stat st;
	int rc;

	build();
	disk_full(true);
	rc = remove_at(l, "f", false);
	disk_full(false);
	ok(rc == 0 ? !exists("s/f") : rc < 0, "removing on a full disk: %s",
		strerror(-rc));
	if (exists("s/f"))
		must(remove_at(l, "f", false), "f, with room again");
	must(make_at(l, "f", S_IFREG | 0604, 0), "f");
	ok(look(l, live_root(l), "f", &st) && st.st_mode == (S_IFREG | 0604) &&
			st.st_uid == 0,
		"a new file of its name is not its own");
	must_close(l);
	agrees("removing on a full disk");
}

/* Staging files whose owner may not write or read them, as make install leaves them. */
static void test_not_writable(void)
{
	struct live_node *f;
	struct live_dir *dir;
	struct stat st;

	start_over();
	put_dir("s/d");
	put_text("s/d/f", "abc");
	put_text("s/d/g", "abc");
	put_text("s/d/none", "abc");
	put_dir("s/closed");
	if (chmod("s/d/f", 0444) < 0 || chmod("s/d/g", 0555) < 0 ||
		chmod("s/d/none", 0) < 0 || chmod("s/d", 0555) < 0 ||
		chmod("s/closed", 0111) < 0)
		err(1, "chmod");
	l = must_live(NULL);
	f = must_at(l, "d/f");
	is_int(live_write(l, f, "x", 1, 0), 1, "a file of mode 444 is written to");
	is_int(live_stat(l, f, &st), 0, "it shows");
	is_int(st.st_mode, S_IFREG | 0444, "the mode that it had");
	is_int(truncate_node(l, must_at(l, "d/g"), 1), 0, "one of 555 is cut");
	ok(look(l, must_at(l, "d"), "g", &st) && st.st_mode == (S_IFREG | 0555) &&
			st.st_size == 1,
		"and shows as it was");
	is_int(live_write(l, must_at(l, "d/none"), "x", 1, 3), 1, "one of mode 0");
	ok(look(l, must_at(l, "d"), "none", &st) && st.st_mode == S_IFREG, "shows so");
	is_int(make_at(l, "d/new", S_IFREG | 0600, 0), 0, "made in one of mode 555");
	is_int(remove_at(l, "d/f", false), 0, "removed from it");
	is_int(rename_at(l, "d/g", "closed/g", 0), 0, "renamed into one of 111");
	ok(look(l, live_root(l), "d", &st) && st.st_mode == (S_IFDIR | 0555),
		"the one shows the mode that it had");
	ok(look(l, live_root(l), "closed", &st) && st.st_mode == (S_IFDIR | 0111),
		"and the other");
	dir = live_opendir(l, must_at(l, "closed"));
	is_int(live_dir_begin(dir, true), 0, "it can be listed");
	live_dir_end(dir);
	live_closedir(dir);
	must(live_removexattr(l, must_at(l, "d"), "user.none", false) == -ENODATA ? 0
										  : -EIO,
		"user.none");
	must_close(l);
	hints_hold = false;
	agrees("files that were not writable");
	hints_hold = true;
}

/* New content ends it; content that could not be changed does not. */
static void test_capability(void)
{
	/* capabilities(7): VFS_CAP_REVISION_2, CAP_NET_RAW permitted */
	static const unsigned char raw[20] = {[3] = 2, [5] = 0x20};
	const struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
	struct buf value = {0};
	struct stat st = {.st_size = 2 << 20};

	build();
	must(live_setxattr(
		     l, must_at(l, "f"), XATTR_CAPABILITY, raw, sizeof(raw), 0, true),
		XATTR_CAPABILITY);
	if (setrlimit(RLIMIT_FSIZE, &small) < 0)
		err(1, "setrlimit");
	is_int(live_setattr(l, must_at(l, "f"), &st, LIVE_SIZE, &st), -EFBIG,
		"a file cannot be made that long");
	disk_full(false);
	is_int(live_getxattr(l, must_at(l, "f"), XATTR_CAPABILITY, true, &value), 0,
		"it keeps its capability");
	ok(value.len == sizeof(raw) && memcmp(value.data, raw, sizeof(raw)) == 0,
		"as it was");
	st.st_size = 1;
	is_int(live_setattr(l, must_at(l, "f"), &st, LIVE_SIZE, &st), 0, "but shorter");
	value.len = 0;
	is_int(live_getxattr(l, must_at(l, "f"), XATTR_CAPABILITY, true, &value),
		-ENODATA, "then it has none");
	buf_free(&value);
	must_close(l);
}

/* Of filesystems that count their room in units smaller than what they like to move. */
static void test_room(void)
{
	start_over();
	l = must_live(NULL);
	room.f_bavail = 255;
	is_int(make_file_here(), -ENOSPC,
		"less than 1 MiB, of 4 KiB each, is too little");
	ok(!exists("s/new"), "nothing is made");
	room.f_bavail = 256;
	is_int(make_file_here(), 0, "that much is not");
	room.f_bavail = 1 << 20;
	must_close(l);
	agrees("little room");
}

static void run_sql(const char *sql)
{
	struct err e = {0};

	if (db_exec(live_db(l), sql, &e) < 0)
		errx(1, "%s", e.msg);
}

/* SQLite may end a transaction by itself, as here where a record is dropped in it. */
static void test_rolled_back(void)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *what = changes[i].what;
		struct buf before = {0}, after = {0};
		struct live_node *gone;

		build();
		must(make_at(l, "gone", S_IFREG | 0600, 0), "gone");
		gone = must_at(l, "gone");
		must(remove_at(l, "gone", false), "gone");
		live_forget(l, gone, 2);
		describe(l, live_root(l), "", &before);
		run_sql("CREATE TEMP TRIGGER ends BEFORE DELETE ON record"
			" BEGIN SELECT RAISE(ROLLBACK, 'it ends'); END");
		ok(changes[i].fn() < 0, "%s in a transaction that ends: fails", what);
		run_sql("DROP TRIGGER ends");
		describe(l, live_root(l), "", &after);
		is_str(after.data, before.data, "%s: nothing changed", what);
		buf_free(&before);
		buf_free(&after);
		is_int(changes[i].fn(), 0, "%s: done the next time", what);
		must_close(l);
		agrees(what);
	}
}

/* The largest number that a record may have. */
static void test_numbers(void)
{
	build();
	run_sql("UPDATE name SET record = 9007199254740992 WHERE name = x'66'");
	run_sql("UPDATE xattr SET record = 9007199254740992");
	run_sql("UPDATE record SET id = 9007199254740992 WHERE mode = 416");
	must_close(l);
	l = must_live(NULL);
	said.len = 0;
	is_int(make_file(), -EIO, "no number is left: a new file");
	ok(!exists("s/d/new"), "is not made");
	ok(said.len && strstr(said.data, "none is left for a new one"), "that is said");
	is_int(chown_plain(), -EIO, "nor a file recorded");
	is_int(chown_file(), 0, "what is there can be changed");
	must_close(l);
	agrees("no number is left");
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	scratch_make();
	test_full();
	test_full_remove();
	test_not_writable();
	test_capability();
	test_room();
	test_rolled_back();
	test_numbers();
	buf_free(&said);
	return done_testing();
}
