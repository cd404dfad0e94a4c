/* SPDX-License-Identifier: MIT */
/* db_check() names each kind of damage; the verbs refuse what they cannot hand out. */
#include "tests/unit/db_util.h"

static struct bytes sample;
static struct err e;

/* Ids of the sample: 1 root, 2 dir, 3 dir/file, 4 first and dir/link, 5 dir/tty. */
static const struct {
	const char *sql, *want;
} damages[] = {
	{"DELETE FROM record WHERE id = 3",
		"name X'66696C65' of record 2 points to a record that is not there"},
	{"INSERT INTO name VALUES (3, x'61', 4)",
		"name X'61' is in record 3, which is no directory"},
	{"INSERT INTO name VALUES (99, x'61', 4)",
		"name X'61' is in record 99, which is no directory"},
	{"INSERT INTO name VALUES (2, 'text', 4)",
		"name 'text' of record 2 cannot be one"},
	{"INSERT INTO name VALUES (2, x'', 4)", "name X'' of record 2 cannot be one"},
	{"INSERT INTO name VALUES (2, x'612f62', 4)", "cannot be one"},
	{"INSERT INTO name VALUES (2, x'610062', 4)", "cannot be one"},
	{"INSERT INTO name VALUES (2, x'2e', 4)", "cannot be one"},
	{"INSERT INTO name VALUES (2, x'2e2e', 4)", "cannot be one"},
	{"INSERT INTO name VALUES (2, zeroblob(256), 4)", "cannot be one"},
	{"INSERT INTO record (id, type) VALUES (77, 32768)",
		"record 77 has no name that leads to the root"},
	{"INSERT INTO record (id, type) VALUES (77, 16384), (78, 16384);"
	 "INSERT INTO name VALUES (77, x'61', 78), (78, x'61', 77)",
		"record 78 has no name that leads to the root"},
	{"INSERT INTO name VALUES (1, x'616761696e', 2)",
		"record 2 is a directory with several names"},
	{"INSERT INTO name VALUES (2, x'616761696e', 2)",
		"record 2 is a directory with several names"},
	{"UPDATE record SET type = 32768 WHERE id = 1",
		"record 1, the root, is no directory"},
	{"DELETE FROM record WHERE id = 1", "record 1, the root, is no directory"},
	{"UPDATE record SET type = 61440 WHERE id = 3", "record 3 has type 61440"},
	{"UPDATE record SET type = 'x' WHERE id = 3", "record 3 has type 'x'"},
	{"UPDATE record SET mode = 4096 WHERE id = 3", "record 3 has mode 4096"},
	{"UPDATE record SET mode = -1 WHERE id = 3", "record 3 has mode -1"},
	{"UPDATE record SET mode = x'00' WHERE id = 3", "record 3 has mode X'00'"},
	{"UPDATE record SET uid = 4294967295 WHERE id = 3",
		"record 3 has owner 4294967295:NULL"},
	{"UPDATE record SET gid = -1 WHERE id = 3", "record 3 has owner NULL:-1"},
	{"UPDATE record SET gid = 'root' WHERE id = 3", "record 3 has owner NULL:'root'"},
	{"UPDATE record SET rdev = 1 WHERE id = 3",
		"record 3 has a device number and is no device"},
	{"UPDATE record SET label = 55 WHERE id = 3",
		"record 3 has a label that is not there"},
	{"INSERT INTO xattr VALUES (55, x'61', x'')",
		"attribute X'61' belongs to no record"},
	{"INSERT INTO xattr VALUES (3, x'', x'')",
		"attribute X'' of record 3 cannot be one"},
	{"INSERT INTO xattr VALUES (3, 'user.a', x'')",
		"attribute 'user.a' of record 3 cannot be one"},
	{"INSERT INTO xattr VALUES (3, x'75', zeroblob(65537))",
		"attribute X'75' of record 3 cannot be one"},
	{"INSERT INTO record (id, type) VALUES (-3, 32768);"
	 "INSERT INTO name VALUES (2, x'61', -3)",
		"record -3 has a number outside 1 to 2^53"},
};

struct found {
	const char *want;
	int count, matches;
};

static void finding(void *arg, const char *text)
{
	struct found *f = arg;

	f->count++;
	f->matches += f->want && strstr(text, f->want) != NULL;
}

static int ignore_child(
	void *arg, const char *name, size_t len, const struct db_record *r)
{
	(void)arg;
	(void)name;
	(void)len;
	(void)r;
	return 0;
}

static void test_damage(const char *sql, const char *want)
{
	struct found f = {.want = want};
	struct db *db;
	int rc;

	put_file("d.livery", sample.data, sample.len);
	spoil("d.livery", sql);
	db = must_open("d.livery", DB_READ);
	rc = db_check(db, finding, &f, &e);
	ok(f.matches == 1, "found: %s", want);
	is_int(rc, f.count, "counted: %s", sql);
	db_close(db);
}

static void test_sound(void)
{
	struct db *db = must_open("t.livery", DB_READ);
	struct found f = {0};

	is_int(db_check(db, finding, &f, &e), 0, "nothing is found in a sound one");
	is_int(f.count, 0, "and nothing told");
	db_close(db);
}

/* What db_children() answers for dir, after the SQL. */
static void children_refuse(const char *sql, const char *want)
{
	struct db *db;

	put_file("d.livery", sample.data, sample.len);
	spoil("d.livery", sql);
	db = must_open("d.livery", DB_READ);
	e = (struct err){0};
	is_int(db_children(db, 2, ignore_child, NULL, &e), -1, "not read: %s", sql);
	is_int(e.code, ERR_INPUT, "as damage");
	ok(strstr(e.msg, want) && strstr(e.msg, "d.livery"), "message: %s", e.msg);
	db_close(db);
}

static void test_bounds(void)
{
	children_refuse("UPDATE record SET type = 1 WHERE id = 3", "record 3: no such");
	children_refuse("UPDATE record SET mode = 4096 WHERE id = 3", "record 3: a mode");
	children_refuse("UPDATE record SET mode = 1.5 WHERE id = 3", "record 3: a mode");
	children_refuse("UPDATE record SET uid = -1 WHERE id = 3", "record 3: an owner");
	children_refuse(
		"UPDATE record SET gid = 4294967295 WHERE id = 3", "record 3: an owner");
	children_refuse("UPDATE record SET rdev = 1 WHERE id = 3", "record 3: a device");
	children_refuse("INSERT INTO name VALUES (2, 'text', 4)", "record 2: holds");
	children_refuse("INSERT INTO name VALUES (2, x'2e2e', 4)", "record 2: holds");
	children_refuse("INSERT INTO record (id, type) VALUES (-3, 32768);"
			"INSERT INTO name VALUES (2, x'61', -3)",
		"record -3: a number");
}

/* Dropping a directory comes to an end whatever is in it. */
static void drop_ends(const char *sql, int want)
{
	struct db *db;

	put_file("d.livery", sample.data, sample.len);
	spoil("d.livery", sql);
	db = must_open("d.livery", DB_WRITE);
	is_int(db_name_drop(db, DB_ROOT, "dir", 3, &e), want, "dropped: %s", sql);
	db_close(db);
}

static void test_drop(void)
{
	drop_ends("INSERT INTO name VALUES (2, 'text', 4)", -1);
	drop_ends("INSERT INTO name VALUES (2, x'', 4)", -1);
	drop_ends("DELETE FROM record WHERE id = 3", 0);
	drop_ends("INSERT INTO name VALUES (2, x'61', 1)", 0);
	drop_ends("INSERT INTO name VALUES (2, x'61', 2)", 0);
}

static void labels_refuse(const char *sql)
{
	struct db *db;

	put_file("d.livery", sample.data, sample.len);
	spoil("d.livery", sql);
	is_int(db_open(&db, "d.livery", DB_WRITE, &e), -1, "not opened: %s", sql);
	is_int(e.code, ERR_INPUT, "as damage: %s", e.msg);
}

static void test_labels(void)
{
	labels_refuse("UPDATE label SET context = x''");
	labels_refuse("UPDATE label SET context = x'610062'");
	labels_refuse("UPDATE label SET context = CAST(zeroblob(4097) AS TEXT)");
	labels_refuse("INSERT INTO label VALUES (0, x'61')");
	labels_refuse("INSERT INTO label VALUES (-5, x'61')");
	labels_refuse("INSERT INTO label VALUES (9223372036854775807, x'61')");
}

int main(void)
{
	scratch_make();
	make_sample("t.livery");
	sample = read_bytes("t.livery");
	test_sound();
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		test_damage(damages[i].sql, damages[i].want);
	test_bounds();
	test_drop();
	test_labels();
	free(sample.data);
	return done_testing();
}
