/* SPDX-License-Identifier: MIT */
/* What was read ahead is what the statements say, until something changes. */
#include "common/buf.h"
#include "tests/unit/db_util.h"

static struct err e;

static int add_child(void *arg, const char *name, size_t len, const struct db_record *r)
{
	return buf_addf(arg,
		"%.*s: %lld type %o mode %o %u:%u dev %llx label %lld "
		"ino %llu names %u%s\n",
		(int)len, name, (long long)r->id, r->type, r->mode, r->uid, r->gid,
		(unsigned long long)r->rdev, (long long)r->label,
		(unsigned long long)r->hint.ino, r->names,
		r->has_xattrs ? " attributes" : "");
}

static int stop_at_once(
	void *arg, const char *name, size_t len, const struct db_record *r)
{
	(void)arg;
	(void)name;
	(void)len;
	(void)r;
	return 7;
}

/* The children of the first records; "-1 MESSAGE" where they cannot be read. */
static void describe(struct db *db, struct buf *out)
{
	for (int64_t id = 0; id < 400; id++) {
		buf_addf(out, "%lld\n", (long long)id);
		if (db_children(db, id, add_child, out, &e) < 0)
			buf_addf(out, "-1 %s\n", e.msg);
	}
}

static void same(struct db *db, const char *what)
{
	cleanup_buf struct buf plain = {0}, ahead = {0};

	describe(db, &plain);
	is_int(db_read_ahead(db, &e), 0, "%s: read ahead", what);
	describe(db, &ahead);
	is_str(ahead.data, plain.data, "%s: the same names and records", what);
}

static void fill(struct db *db)
{
	char name[300];

	db_begin(db, &e);
	for (int i = 0; i < 300; i++) {
		int64_t dir = DB_ROOT + (i > 20 ? i % 7 : 0);

		/* Of all lengths, and not in their order. */
		snprintf(name, sizeof(name), "%c%0*d",
			"\x01z\xff"
			"A"[i % 4],
			i % 250 + 1, i);
		must_add(db, dir, name, i < 10 ? S_IFDIR : S_IFREG);
	}
	must_link(db, 5, "third", 200);
	must_link(db, 6, "second", 200);
	if (db_commit(db, &e) < 0)
		errx(1, "%s", e.msg);
}

static void test_same(void)
{
	struct db *db;

	make_sample("same.db");
	db = must_open("same.db", DB_WRITE);
	same(db, "a small tree");
	is_int(db_children(db, DB_ROOT, stop_at_once, NULL, &e), 7, "a callback ends it");
	db_close(db);
	db = must_open("many.db", DB_CREATE);
	same(db, "an empty one");
	fill(db);
	same(db, "many names");
	is_int(db_name_total(db, &e), 302, "they are counted");
	db_close(db);
	spoil("many.db", "DELETE FROM record WHERE id IN (40, 77)");
	db = must_open("many.db", DB_READ);
	same(db, "numbers that are missing, names without a record");
	db_close(db);
}

static void is_there(struct db *db, const char *name, bool want, const char *what)
{
	cleanup_buf struct buf text = {0};

	if (db_children(db, DB_ROOT, add_child, &text, &e) < 0)
		errx(1, "%s", e.msg);
	ok((strstr(text.data, name) != NULL) == want, "%s", what);
}

static void test_changes(void)
{
	struct db *db = must_open("changes.db", DB_CREATE);

	must_add(db, DB_ROOT, "old", S_IFREG);
	db_read_ahead(db, &e);
	must_add(db, DB_ROOT, "new", S_IFREG);
	is_there(db, "new: ", true, "a new name is seen");
	db_read_ahead(db, &e);
	db_name_drop(db, DB_ROOT, "old", 3, &e);
	is_there(db, "old: ", false, "one that was dropped is not");
	db_begin(db, &e);
	must_add(db, DB_ROOT, "undone", S_IFREG);
	db_read_ahead(db, &e);
	is_there(db, "undone: ", true, "one of a transaction is seen in it");
	db_rollback(db);
	is_there(db, "undone: ", false, "and not after its end");
	db_read_ahead(db, &e);
	db_xattr_put(db, 3, "user.a", "1", 1, &e);
	is_there(db, " attributes", true, "an attribute is seen");
	db_close(db);
}

/* Damage is told by the call that meets it, as it is without. */
static void damaged(const char *sql, const char *what)
{
	struct db *db;

	unlink("damaged.db");
	make_sample("damaged.db");
	spoil("damaged.db", sql);
	db = must_open("damaged.db", DB_READ);
	same(db, what);
	db_close(db);
}

static void test_put_over_damage(void)
{
	struct db *db;
	struct db_record r = db_record_new(S_IFREG);

	make_sample("dangling.db");
	spoil("dangling.db", "DELETE FROM record WHERE id = 4");
	db = must_open("dangling.db", DB_WRITE);
	is_int(db_record_put(db, &r, &e), 0, "a record");
	is_int(db_name_put(db, DB_ROOT, "first", 5, r.id, &e), 0,
		"a name that points nowhere can be given to it");
	is_int(db_name_get(db, DB_ROOT, "first", 5, &r, &e), 1, "and is found then");
	db_close(db);
}

int main(void)
{
	scratch_make();
	test_same();
	test_changes();
	damaged("UPDATE record SET type = 7 WHERE id = 3", "a type that is none");
	damaged("UPDATE record SET mode = 99999 WHERE id = 2", "a mode that is none");
	damaged("UPDATE name SET name = 'text' WHERE name = x'66696c65'",
		"a name as text");
	damaged("UPDATE name SET name = x'2e2e' WHERE name = x'66696c65'", "a name '..'");
	damaged("UPDATE name SET parent = 99 WHERE record = 3",
		"a parent that is not there");
	damaged("UPDATE record SET id = 9007199254740999 WHERE id = 3",
		"a number out of range");
	test_put_over_damage();
	return done_testing();
}
