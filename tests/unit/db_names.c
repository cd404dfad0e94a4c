/* SPDX-License-Identifier: MIT */
/* Names: every byte, hard links, trees that are dropped, paths of records. */
#include "tests/unit/tree.h"

#define DEEP 5000
#define WIDE 500

static struct db *db;
static struct err e;

static int64_t id_of(int64_t parent, const char *name)
{
	struct db_record r;
	int rc = db_name_get(db, parent, name, strlen(name), &r, &e);

	return rc == 1 ? r.id : rc;
}

static bool record_is_there(int64_t id)
{
	struct db_record r;

	return db_record_get(db, id, &r, &e) == 1;
}

static int64_t names_of(int64_t id)
{
	return db_name_count(db, id, &e);
}

static int drop(int64_t parent, const char *name)
{
	return db_name_drop(db, parent, name, strlen(name), &e);
}

struct listing {
	char text[2048];
	int count, stop_after;
};

static int list_one(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct listing *l = arg;
	size_t used = strlen(l->text);

	if (used + len + 2 < sizeof(l->text))
		snprintf(l->text + used, sizeof(l->text) - used, "%.*s ", (int)len, name);
	l->count += r->id > 0;
	return l->stop_after && l->count == l->stop_after ? 7 : 0;
}

static void test_every_byte(void)
{
	int64_t dir = must_add(db, DB_ROOT, "bytes", S_IFDIR);
	int64_t id = must_add(db, dir, "x", S_IFREG);
	char longest[DB_NAME_MAX + 1];
	struct db_record r;
	int bad = 0;

	db_begin(db, &e);
	for (int c = 1; c < 256; c++) {
		char name[3] = {'n', (char)c, '\0'};

		if (c == '/')
			continue;
		bad += db_name_put(db, dir, name, 2, id, &e) != 0;
		bad += db_name_get(db, dir, name, 2, &r, &e) != 1 || r.id != id;
	}
	is_int(bad, 0, "every byte but NUL and '/' in a name");
	is_int(db_commit(db, &e), 0, "committed");
	is_int(names_of(id), 255, "names of the record");
	for (int i = 0; i < DB_NAME_MAX; i++)
		longest[i] = (char)(i == '/' - 1 ? 'x' : i + 1);
	longest[DB_NAME_MAX] = '\0';
	is_int(db_name_put(db, dir, longest, DB_NAME_MAX, id, &e), 0, "255 bytes");
	is_int(db_name_get(db, dir, longest, DB_NAME_MAX, &r, &e), 1, "are found");
	is_int(db_name_get(db, dir, longest, DB_NAME_MAX - 1, &r, &e), 0, "254 are not");
	db_close(db);
	db = must_open("t.livery", DB_WRITE);
	is_int(db_name_get(db, dir, longest, DB_NAME_MAX, &r, &e), 1, "after reopening");
}

static void test_invalid(void)
{
	static const struct {
		const char *name;
		size_t len;
	} names[] = {{"", 0}, {".", 1}, {"..", 2}, {"a/b", 3}, {"/", 1}, {"a\0b", 3}};
	char big[DB_NAME_MAX + 1];
	struct db_record r;
	int bad = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *n = names[i].name;
		size_t len = names[i].len;

		bad += db_name_put(db, DB_ROOT, n, len, DB_ROOT, &e) != -1;
		bad += e.code != ERR_INPUT;
		bad += db_name_get(db, DB_ROOT, n, len, &r, &e) != -1;
		bad += db_name_drop(db, DB_ROOT, n, len, &e) != -1;
		bad += db_name_move(db, DB_ROOT, "bytes", 5, DB_ROOT, n, len, &e) != -1;
	}
	is_int(bad, 0, "names that cannot be are refused by every verb");
	memset(big, 'b', sizeof(big));
	is_int(db_name_put(db, DB_ROOT, big, sizeof(big), DB_ROOT, &e), -1, "256 bytes");
	is_int(db_name_put(db, DB_ROOT, "...", 3, id_of(DB_ROOT, "bytes"), &e), 0,
		"three dots are a name");
	drop(DB_ROOT, "...");
}

static void test_order(void)
{
	static const char *const names[] = {
		"b", "a.b", "a", "B", "\xff", "a-", "ab", "\x01", "\xc3\xbc"};
	int64_t dir = must_add(db, DB_ROOT, "order", S_IFDIR);
	struct listing l = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		must_add(db, dir, names[i], S_IFREG);
	is_int(db_children(db, dir, list_one, &l, &e), 0, "children");
	is_str(l.text, "\x01 B a a- a.b ab b \xc3\xbc \xff ", "in the order of bytes");
	is_int(l.count, 9, "each with its record");
	l = (struct listing){.stop_after = 3};
	is_int(db_children(db, dir, list_one, &l, &e), 7, "a callback ends the walk");
	is_str(l.text, "\x01 B a ", "at once");
	l = (struct listing){0};
	is_int(db_children(db, 987654, list_one, &l, &e), 0, "of nothing there are none");
	is_int(l.count, 0, "none");
}

static void test_put_replaces(void)
{
	int64_t dir = must_add(db, DB_ROOT, "put", S_IFDIR);
	int64_t sub = must_add(db, dir, "x", S_IFDIR);
	int64_t below = must_add(db, sub, "y", S_IFREG);
	int64_t fresh = must_add(db, dir, "z", S_IFREG);

	is_int(db_name_put(db, dir, "z", 1, fresh, &e), 0, "the same record again");
	is_int(names_of(fresh), 1, "changes nothing");
	is_int(db_name_put(db, dir, "x", 1, fresh, &e), 0, "a name points elsewhere");
	is_int(id_of(dir, "x"), fresh, "at the new record");
	is_int(names_of(fresh), 2, "which has two names");
	ok(!record_is_there(sub) && !record_is_there(below),
		"what it was is gone, and all below");
}

static void test_links(void)
{
	int64_t dir = must_add(db, DB_ROOT, "links", S_IFDIR);
	int64_t id = must_add(db, dir, "one", S_IFREG);

	must_link(db, dir, "two", id);
	must_link(db, DB_ROOT, "three", id);
	db_xattr_put(db, id, "user.x", "v", 1, &e);
	is_int(names_of(id), 3, "three names");
	is_int(drop(dir, "one"), 0, "one dropped");
	is_int(names_of(id), 2, "two left");
	is_int(drop(dir, "one"), 0, "dropping it again is no error");
	is_int(drop(DB_ROOT, "links"), 0, "the directory with the second");
	is_int(names_of(id), 1, "one left");
	is_int(drop(DB_ROOT, "three"), 0, "the last");
	ok(!record_is_there(id), "and the record is gone");
}

static void test_move(void)
{
	int64_t from = must_add(db, DB_ROOT, "from", S_IFDIR);
	int64_t to = must_add(db, DB_ROOT, "to", S_IFDIR);
	int64_t sub = must_add(db, from, "sub", S_IFDIR);
	int64_t below = must_add(db, sub, "below", S_IFREG);
	char *path;

	is_int(db_name_move(db, from, "sub", 3, to, "new", 3, &e), 0, "a name moves");
	is_int(id_of(from, "sub"), 0, "from here");
	is_int(id_of(to, "new"), sub, "to there, record and all");
	db_record_path(db, below, &path, &e);
	is_str(path, "to/new/below", "with what is below");
	free(path);
	must_add(db, to, "taken", S_IFREG);
	is_int(db_name_move(db, to, "new", 3, to, "taken", 5, &e), -1,
		"not over another name");
	is_int(id_of(to, "new"), sub, "and it stays where it was");
}

static void print_finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

/* Of files that are still open: they have no name, and stay until they are dropped. */
static void test_unlink(void)
{
	int64_t dir = must_add(db, DB_ROOT, "unlink", S_IFDIR);
	int64_t below = must_add(db, dir, "below", S_IFREG);
	int64_t file = must_add(db, dir, "file", S_IFREG);
	int64_t orphan = 77;
	struct db_record r;

	must_link(db, DB_ROOT, "unlink2", file);
	db_xattr_put(db, file, "user.a", "1", 1, &e);
	is_int(db_name_unlink(db, dir, "none", 4, &orphan, &e), 0, "no such name");
	is_int(orphan, 0, "no orphan");
	is_int(db_name_unlink(db, dir, "file", 4, &orphan, &e), 0, "one of two names");
	is_int(orphan, 0, "the other one holds it");
	is_int(db_record_drop(db, file, &e), -1, "what has a name is not dropped");
	ok(strstr(e.msg, "has a name") && one_line(e.msg), "%s", e.msg);
	is_int(db_name_unlink(db, DB_ROOT, "unlink2", 7, &orphan, &e), 0, "the last one");
	is_int(orphan, file, "leaves an orphan");
	is_int(db_record_get(db, file, &r, &e), 1, "which is still there");
	ok(r.names == 0 && r.has_xattrs, "with its attributes");
	is_int(db_check(db, print_finding, NULL, &e), 1, "a finding, at rest");
	is_int(db_record_drop(db, file, &e), 0, "dropped");
	is_int(db_record_get(db, file, &r, &e), 0, "it is gone");
	is_int(db_record_drop(db, file, &e), 0, "dropped again");
	is_int(db_record_drop(db, DB_ROOT, &e), -1, "the root stays");
	is_int(db_name_unlink(db, DB_ROOT, "unlink", 6, &orphan, &e), 0, "a directory");
	is_int(orphan, dir, "is one too");
	is_int(db_record_get(db, below, &r, &e), 1, "with what is in it");
	is_int(db_record_drop(db, dir, &e), 0, "dropped");
	is_int(db_record_get(db, below, &r, &e), 0, "all of it");
	is_int(db_check(db, print_finding, NULL, &e), 0, "nothing is left over");
}

static void test_deep(void)
{
	int64_t top, id = DB_ROOT, last = 0;
	char *path;

	db_begin(db, &e);
	for (int i = 0; i < DEEP; i++) {
		last = must_add(db, id, i ? "d" : "deep", S_IFDIR);
		id = last;
	}
	top = id_of(DB_ROOT, "deep");
	is_int(db_record_path(db, last, &path, &e), 1, "the path of %d levels", DEEP);
	is_int(path ? strlen(path) : 0, 4 + 2 * (DEEP - 1), "in full length");
	ok(path && strncmp(path, "deep/d/d", 8) == 0, "from the root down");
	free(path);
	is_int(drop(DB_ROOT, "deep"), 0, "dropped");
	ok(!record_is_there(top) && !record_is_there(last), "from top to bottom");
	is_int(db_commit(db, &e), 0, "in one transaction");
}

static void test_wide(void)
{
	int64_t first = 0, last = 0, linked = 0, dir;
	struct listing l = {0};

	db_begin(db, &e);
	dir = must_add(db, DB_ROOT, "wide", S_IFDIR);
	for (int i = 0; i < WIDE; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		last = must_add(db, dir, name, i % 2 ? S_IFDIR : S_IFREG);
		first = first ? first : last;
		if (i == WIDE / 2)
			linked = last;
	}
	must_link(db, DB_ROOT, "outside", linked);
	db_commit(db, &e);
	is_int(db_children(db, dir, list_one, &l, &e), 0, "%d names are read", WIDE);
	is_int(l.count, WIDE, "all of them");
	db_begin(db, &e);
	is_int(drop(DB_ROOT, "wide"), 0, "and dropped");
	db_commit(db, &e);
	ok(!record_is_there(first) && !record_is_there(last), "first and last");
	is_int(names_of(linked), 1, "what has a name elsewhere stays");
	drop(DB_ROOT, "outside");
}

static void path_is(int64_t id, int rc, const char *want, const char *what)
{
	char *path = NULL;

	is_int(db_record_path(db, id, &path, &e), rc, "%s", what);
	is_str(path, want, "%s: path", what);
	free(path);
}

static void test_paths(void)
{
	int64_t z = must_add(db, DB_ROOT, "pz", S_IFDIR);
	int64_t a = must_add(db, DB_ROOT, "pa", S_IFDIR);
	int64_t file = must_add(db, z, "f", S_IFREG);
	int64_t lost = must_add(db, 4242424, "x", S_IFDIR);
	int64_t ring = must_add(db, lost, "ring", S_IFDIR);
	struct db_record r = db_record_new(S_IFREG);

	path_is(DB_ROOT, 1, "", "the root");
	path_is(file, 1, "pz/f", "a file");
	must_link(db, a, "f", file);
	path_is(file, 1, "pa/f", "the bytewise first of two names");
	db_record_put(db, &r, &e);
	path_is(r.id, 0, NULL, "a record without a name");
	path_is(777777, 0, NULL, "no record");
	path_is(ring, 0, NULL, "a name that does not lead to the root");
	must_link(db, lost, "f", file);
	path_is(file, 1, "pa/f", "is passed over for one that does");
	drop(4242424, "x");
	ring = must_add(db, z, "ring", S_IFDIR);
	lost = must_add(db, ring, "lost", S_IFDIR);
	must_link(db, lost, "ring", ring);
	drop(z, "ring");
	ok(record_is_there(ring), "a ring of directories holds itself");
	path_is(lost, 0, NULL, "a cycle");
	ring = must_add(db, z, "self", S_IFDIR);
	must_link(db, ring, "self", ring);
	drop(z, "self");
	path_is(ring, 0, NULL, "a directory in itself");
}

int main(void)
{
	scratch_make();
	db = must_open("t.livery", DB_CREATE);
	test_every_byte();
	test_invalid();
	test_order();
	test_put_replaces();
	test_links();
	test_move();
	test_unlink();
	test_deep();
	test_wide();
	test_paths();
	db_close(db);
	return done_testing();
}
