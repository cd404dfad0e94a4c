/* SPDX-License-Identifier: MIT */
/* Files that are no database of ours, or a damaged one: refused by name, and untouched.
 */
#include "tests/unit/db_util.h"

#define FLIPS 80

static const enum db_mode modes[] = {DB_READ, DB_SEALED, DB_WRITE, DB_CREATE, DB_LIVE};
static struct bytes sample;

static int files_here(void)
{
	DIR *d = opendir(".");
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

/* In every mode; want is a part of the message. */
static void refused(const char *path, const char *want, const char *what)
{
	struct bytes before = {0};
	int files = files_here();
	struct stat st;
	int bad = 0;
	struct err e;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		before = read_bytes(path);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct db *db = (struct db *)&e;

		e = (struct err){0};
		if (db_open(&db, path, modes[i], &e) != -1 || db || !one_line(e.msg) ||
			!strstr(e.msg, path) || !strstr(e.msg, want)) {
			printf("# mode %d: %s\n", modes[i], e.msg);
			bad++;
		}
	}
	is_int(bad, 0, "%s: refused in every mode", what);
	is_int(files_here(), files, "%s: no file appeared beside it", what);
	if (before.data)
		ok(same_bytes(path, &before), "%s: untouched", what);
	free(before.data);
}

static void test_no_database(void)
{
	char zeros[4096] = {0};

	put_text("text", "CREATE TABLE is what it says, and it is longer than a header "
			 "of a database would be; at least one hundred bytes.\n");
	refused("text", "not an SQLite database", "a text file");
	put_text("short", "SQLite format 3");
	refused("short", "not an SQLite database", "fifteen bytes");
	put_file("zeros", zeros, sizeof(zeros));
	refused("zeros", "not an SQLite database", "zeros");
	put_dir("directory");
	refused("directory", "directory", "a directory");
	if (mkfifo("fifo", 0600) < 0)
		err(1, "fifo");
	refused("fifo", "not a regular file", "a FIFO");
	put_link("loop", "loop");
	refused("loop", "Too many levels of symbolic links", "a link to itself");
	refused("none/x.livery", "No such file", "a directory that is not there");
	refused("text/x.livery", "Not a directory", "a file for a directory");
	refused("/dev/null", "not a regular file", "a device");
}

static void test_missing(void)
{
	struct err e = {0};
	struct db *db;

	is_int(db_open(&db, "missing", DB_WRITE, &e), -1, "a missing file");
	is_int(e.code, ERR_SYS, "is a system's error");
	is_int(e.sys, ENOENT, "ENOENT");
	is_int(db_open(&db, "missing", DB_READ, &e), -1, "for a reader too");
	ok(!exists("missing"), "and is not made");
}

static void spoiled(const char *sql, const char *want, const char *what)
{
	put_file("spoiled", sample.data, sample.len);
	spoil("spoiled", sql);
	refused("spoiled", want, what);
}

static void test_other_databases(void)
{
	spoil("other", "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	refused("other", "not one of livery's", "another program's database");
	spoil("other-version", "PRAGMA user_version = 1");
	refused("other-version", "not one of livery's", "an empty one with a version");
	spoiled("PRAGMA application_id = 1", "not one of livery's",
		"another program's id");
	spoiled("PRAGMA user_version = 999", "newer livery", "a newer schema");
	spoiled("PRAGMA user_version = -1", "damaged", "a negative version");
	spoiled("PRAGMA user_version = 0", "damaged", "no version, but tables");
	spoiled("CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM record; END",
		"its tables are not those", "a trigger");
	spoiled("CREATE VIEW v AS SELECT * FROM record", "its tables are not those",
		"a view");
	spoiled("CREATE TABLE more (a)", "its tables are not those", "another table");
	spoiled("DROP INDEX name_record", "its tables are not those", "no index");
	spoiled("DROP TABLE note", "its tables are not those", "a table is missing");
	spoiled("ALTER TABLE record ADD COLUMN more", "its tables are not those",
		"another column");
	spoil("other-wal", "CREATE TABLE t (a); PRAGMA journal_mode = WAL");
	refused("other-wal", "not one of livery's", "another program's, in WAL mode");
	spoiled("PRAGMA user_version = 999; PRAGMA journal_mode = WAL", "newer livery",
		"a newer schema, in WAL mode");
}

static void test_truncated(void)
{
	static const size_t cuts[] = {1, 99, 100, 4096, 8191, 8192};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		put_file("cut", sample.data, cuts[i]);
		refused("cut", cuts[i] < 100 ? "not an SQLite database" : "damaged",
			"a truncated database");
	}
	put_file("cut", sample.data, sample.len - 1);
	refused("cut", "damaged", "the last byte is missing");
}

static void test_empty(void)
{
	struct err e = {0};
	struct db *db;

	put_text("empty", "");
	is_int(db_open(&db, "empty", DB_READ, &e), -1, "an empty file, for a reader");
	ok(strstr(e.msg, "empty file") != NULL, "is refused: %s", e.msg);
	ok(file_is("empty", ""), "and stays empty");
	is_int(db_open(&db, "empty", DB_WRITE, &e), -1, "an empty file, for a writer");
	ok(strstr(e.msg, "empty file") != NULL, "is refused: %s", e.msg);
	is_int(db_open(&db, "empty", DB_CREATE, &e), -1, "and not made anew");
	ok(file_is("empty", ""), "it may be what is left of one");
}

static int visit_xattr(void *arg, const char *name, const void *value, size_t len)
{
	size_t *sum = arg;

	*sum += strlen(name) + (len ? *(const unsigned char *)value : 0);
	return 0;
}

static int visit(void *arg, const char *name, size_t len, const struct db_record *r)
{
	int64_t *ids = arg;

	if (len > DB_NAME_MAX || name[0] == '/')
		return -2;
	if (ids[0] < 8)
		ids[++ids[0]] = r->id;
	return 0;
}

static void ignore_finding(void *arg, const char *text)
{
	*(size_t *)arg += strlen(text);
}

/* Every reading verb on what may be anything; false where an error says nothing. */
static bool read_everything(struct db *db)
{
	int64_t ids[9] = {0};
	struct err e = {0};
	size_t sum = 0;
	bool told = true;
	char *text;

	told &= db_children(db, DB_ROOT, visit, ids, &e) == 0 || one_line(e.msg);
	told &= db_children(db, 2, visit, ids, &e) == 0 || one_line(e.msg);
	for (int64_t i = 1; i <= ids[0]; i++) {
		told &= db_xattr_each(db, ids[i], visit_xattr, &sum, &e) == 0 ||
			one_line(e.msg);
		if (db_record_path(db, ids[i], &text, &e) == 1)
			free(text);
	}
	if (db_note_get(db, "key", &text, &e) == 0)
		free(text);
	db_check(db, ignore_finding, &sum, &e);
	return told;
}

static void flip(size_t at, int *bad, int *opened)
{
	struct err e = {0};
	struct db *db;

	sample.data[at] = (char)(sample.data[at] ^ (1 << at % 8));
	put_file("flipped", sample.data, sample.len);
	if (db_open(&db, "flipped", DB_READ, &e) == 0) {
		*opened += 1;
		*bad += !read_everything(db);
		db_close(db);
	} else if (!one_line(e.msg) || !strstr(e.msg, "flipped")) {
		printf("# byte %zu: %s\n", at, e.msg);
		*bad += 1;
	}
	*bad += !same_bytes("flipped", &sample) || exists("flipped-journal") ||
		exists("flipped-wal");
	sample.data[at] = (char)(sample.data[at] ^ (1 << at % 8));
}

static void test_flipped(void)
{
	size_t used = 0, step, seen = 0;
	int bad = 0, opened = 0;

	for (size_t i = 100; i < sample.len; i++)
		used += sample.data[i] != 0;
	step = used / FLIPS + 1;
	for (size_t i = 0; i < 100; i += 2)
		flip(i, &bad, &opened);
	for (size_t i = 100; i < sample.len; i++)
		if (sample.data[i] && seen++ % step == 0)
			flip(i, &bad, &opened);
	is_int(bad, 0, "single bits flipped: no crash, a message, no change by readers");
	ok(opened > 0, "some of them go unnoticed until they are read (%d)", opened);
}

static void test_newer_keeps_everything(void)
{
	struct err e;
	struct db *db;

	put_file("newer", sample.data, sample.len);
	spoil("newer", "PRAGMA user_version = 999");
	is_int(db_open(&db, "newer", DB_WRITE, &e), -1, "a newer schema");
	is_int(e.code, ERR_INPUT, "is bad input");
	ok(strstr(e.msg, "schema 999") != NULL, "the message has both versions: %s",
		e.msg);
}

int main(void)
{
	scratch_make();
	make_sample("sample");
	sample = read_bytes("sample");
	test_no_database();
	test_missing();
	test_other_databases();
	test_truncated();
	test_empty();
	test_newer_keeps_everything();
	test_flipped();
	free(sample.data);
	return done_testing();
}
