/* SPDX-License-Identifier: MIT */
/* Records, their attributes, labels and notes, as they come back from the file. */
#include <inttypes.h>
#include <sys/sysmacros.h>

#include "tests/unit/tree.h"

static struct db *db;
static struct err e;

static void reopen(enum db_mode mode)
{
	db_close(db);
	db = must_open("t.livery", mode);
}

static bool same(const struct db_record *a, const struct db_record *b)
{
	return a->id == b->id && a->type == b->type && a->mode == b->mode &&
	       a->uid == b->uid && a->gid == b->gid && a->rdev == b->rdev &&
	       a->label == b->label && a->hint.dev == b->hint.dev &&
	       a->hint.ino == b->hint.ino && a->hint.btime == b->hint.btime;
}

static void round_trip(struct db_record r, const char *what)
{
	struct db_record back;

	is_int(db_record_put(db, &r, &e), 0, "%s: stored", what);
	ok(r.id > DB_ROOT, "%s: has a number", what);
	reopen(DB_WRITE);
	is_int(db_record_get(db, r.id, &back, &e), 1, "%s: found", what);
	ok(same(&r, &back), "%s: the same in every field", what);
	is_int(back.names, 0, "%s: no name yet", what);
	ok(!back.has_xattrs, "%s: no attribute yet", what);
}

static void test_fields(void)
{
	static const uint32_t types[] = {
		S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};
	struct db_record r = db_record_new(S_IFREG | 0644);

	is_int(r.type, S_IFREG, "a new record has a type only");
	ok(r.mode == DB_SILENT && r.uid == DB_SILENT && r.gid == DB_SILENT,
		"and is silent");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		round_trip(db_record_new(types[i]), "a silent record");
	r = (struct db_record){.type = S_IFREG};
	round_trip(r, "zero in every field");
	r = (struct db_record){.type = S_IFBLK,
		.mode = 07777,
		.uid = DB_SILENT - 1,
		.gid = DB_SILENT - 1,
		.rdev = makedev(0xfff, 0xfffff),
		.hint = {UINT64_MAX, UINT64_MAX, INT64_MAX}};
	round_trip(r, "the greatest of every field");
	r.hint.btime = INT64_MIN;
	r.rdev = makedev(5, 1);
	round_trip(r, "a time before 1970");
	r.label = db_label_intern(db, "a:b:c", 5, &e);
	round_trip(r, "a labeled record");
}

static void test_update(void)
{
	struct db_record r = db_record_new(S_IFREG), back;

	r.uid = 7;
	db_record_put(db, &r, &e);
	r.uid = DB_SILENT;
	r.gid = 0;
	r.mode = 04755;
	is_int(db_record_put(db, &r, &e), 0, "a record stored again");
	is_int(db_record_get(db, r.id, &back, &e), 1, "is found");
	ok(same(&r, &back), "with the new values");
	is_int(db_record_get(db, r.id + 1000, &back, &e), 0, "no such record");
	is_int(db_record_get(db, -1, &back, &e), 0, "nor a negative one");
	is_int(db_record_get(db, DB_ROOT, &back, &e), 1, "the root is there at once");
	is_int(back.type, S_IFDIR, "and a directory");
}

static void test_labels(void)
{
	char longest[DB_LABEL_MAX + 1];
	struct db_record r = db_record_new(S_IFREG), back;
	int64_t a = db_label_intern(db, "u:r:t:s0", 8, &e);
	int64_t b = db_label_intern(db, "u:r:t:s0:c1", 11, &e);

	ok(a > 0 && b > 0 && a != b, "two labels, two numbers");
	is_int(db_label_intern(db, "u:r:t:s0", 8, &e), a, "the same text again");
	is_str(db_label_text(db, b, &e), "u:r:t:s0:c1", "text of a label");
	ok(!db_label_text(db, 999, &e), "no such label");
	is_int(e.code, ERR_INPUT, "is damage");
	memset(longest, 'x', sizeof(longest));
	ok(db_label_intern(db, longest, DB_LABEL_MAX, &e) > 0, "the longest label");
	is_int(db_label_intern(db, longest, DB_LABEL_MAX + 1, &e), -1, "one byte more");
	is_int(db_label_intern(db, "", 0, &e), -1, "an empty label");
	is_int(db_label_intern(db, "a\0b", 3, &e), -1, "a label with NUL");
	db_record_put(db, &r, &e);
	is_int(db_record_set_label(db, r.id, a, &e), 0, "the label of a record set");
	reopen(DB_WRITE);
	db_record_get(db, r.id, &back, &e);
	is_int(back.label, a, "it is there after reopening");
	is_str(db_label_text(db, back.label, &e), "u:r:t:s0", "with its text");
	is_int(db_label_intern(db, "u:r:t:s0:c1", 11, &e), b,
		"numbers last across reopening");
	db_record_set_label(db, r.id, 0, &e);
	db_record_get(db, r.id, &back, &e);
	is_int(back.label, 0, "a label taken away");
}

static void test_label_rollback(void)
{
	int64_t kept = db_label_intern(db, "kept", 4, &e), lost, again;

	db_rollback(db);
	is_str(db_label_text(db, kept, &e), "kept",
		"a rollback without transaction takes nothing back");
	db_begin(db, &e);
	lost = db_label_intern(db, "lost", 4, &e);
	is_str(db_label_text(db, lost, &e), "lost", "a label in a transaction");
	db_rollback(db);
	ok(!db_label_text(db, lost, &e), "is gone with the transaction");
	is_str(db_label_text(db, kept, &e), "kept", "the others are not");
	db_begin(db, &e);
	again = db_label_intern(db, "again", 5, &e);
	is_int(db_commit(db, &e), 0, "committed");
	db_rollback(db);
	is_str(db_label_text(db, again, &e), "again", "what was committed stays");
	reopen(DB_WRITE);
	is_int(db_label_intern(db, "again", 5, &e), again, "in the file too");
	db_rollback(db);
	is_str(db_label_text(db, again, &e), "again", "a rollback right after opening");
}

static void test_many_labels(void)
{
	int64_t ids[300];
	char text[32];
	int bad = 0;

	db_begin(db, &e);
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "many_%d", i);
		ids[i] = db_label_intern(db, text, strlen(text), &e);
	}
	db_commit(db, &e);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 300; i++) {
			const char *got = db_label_text(db, ids[i], &e);

			snprintf(text, sizeof(text), "many_%d", i);
			bad += !got || strcmp(got, text) != 0;
		}
		reopen(DB_READ);
	}
	is_int(bad, 0, "300 labels, now and after reopening");
	reopen(DB_WRITE);
}

struct seen_xattrs {
	char text[512];
	size_t total;
	int stop_after;
};

static int see_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct seen_xattrs *s = arg;
	size_t used = strlen(s->text);

	snprintf(s->text + used, sizeof(s->text) - used, "%s=%.*s;", name,
		len < 20 ? (int)len : 20, (const char *)value);
	s->total += len;
	return s->stop_after && --s->stop_after == 0 ? 42 : 0;
}

static void test_xattrs(void)
{
	struct db_record r = db_record_new(S_IFREG), back;
	char name[DB_XNAME_MAX + 2];
	char *value = calloc(1, DB_XVALUE_MAX + 1);
	struct seen_xattrs s = {0};

	if (!value)
		err(1, "calloc");
	db_record_put(db, &r, &e);
	is_int(db_xattr_each(db, r.id, see_xattr, &s, &e), 0, "no attribute");
	is_str(s.text, "", "calls nobody");
	is_int(db_xattr_put(db, r.id, "user.b", "2", 1, &e), 0, "one is stored");
	db_xattr_put(db, r.id, "user.a", "old", 3, &e);
	db_xattr_put(db, r.id, "user.a\xff", NULL, 0, &e);
	is_int(db_xattr_put(db, r.id, "user.a", "1", 1, &e), 0, "one is replaced");
	reopen(DB_WRITE);
	is_int(db_xattr_each(db, r.id, see_xattr, &s, &e), 0, "three attributes");
	is_str(s.text, "user.a=1;user.a\xff=;user.b=2;", "in the order of their bytes");
	db_record_get(db, r.id, &back, &e);
	ok(back.has_xattrs, "the record knows that it has some");
	s = (struct seen_xattrs){.stop_after = 2};
	is_int(db_xattr_each(db, r.id, see_xattr, &s, &e), 42,
		"a callback ends the walk");
	is_int(db_xattr_any(db, "user.b", &e), 1, "there is one whose name begins so");
	is_int(db_xattr_any(db, "ser.", &e), 0, "but none in the middle");
	is_int(db_xattr_drop(db, r.id, "user.b", &e), 1, "one is dropped");
	is_int(db_xattr_any(db, "user.b", &e), 0, "there is none like it any more");
	is_int(db_xattr_drop(db, r.id, "user.b", &e), 0, "it is gone");
	memset(name, 'n', sizeof(name));
	name[DB_XNAME_MAX + 1] = '\0';
	is_int(db_xattr_put(db, r.id, name, "", 0, &e), -1, "a name of 256 bytes");
	name[DB_XNAME_MAX] = '\0';
	is_int(db_xattr_put(db, r.id, name, value, DB_XVALUE_MAX, &e), 0,
		"the longest name and value");
	is_int(db_xattr_put(db, r.id, "x.y", value, DB_XVALUE_MAX + 1, &e), -1,
		"one byte more");
	is_int(db_xattr_put(db, r.id, "", "", 0, &e), -1, "a name without bytes");
	s = (struct seen_xattrs){0};
	db_xattr_each(db, r.id, see_xattr, &s, &e);
	is_int(s.total, DB_XVALUE_MAX + 1, "the value came back whole");
	free(value);
}

static bool value_is(int64_t id, const char *name, const char *want, size_t want_len)
{
	void *value = (void *)&e;
	size_t len = 99;
	int rc = db_xattr_get(db, id, name, &value, &len, &e);
	bool right = want ? rc == 1 && len == want_len && memcmp(value, want, len) == 0
			  : rc == 0 && !value && len == 0;

	free(value);
	return right;
}

static void test_xattr_get(void)
{
	struct db_record r = db_record_new(S_IFREG);
	char *big = malloc(DB_XVALUE_MAX);

	if (!big)
		err(1, "malloc");
	memset(big, 'b', DB_XVALUE_MAX);
	db_record_put(db, &r, &e);
	ok(value_is(r.id, "user.a", NULL, 0), "no such attribute");
	db_xattr_put(db, r.id, "user.a", "a\0b", 3, &e);
	db_xattr_put(db, r.id, "user.empty", "", 0, &e);
	db_xattr_put(db, r.id, "user.big", big, DB_XVALUE_MAX, &e);
	ok(value_is(r.id, "user.a", "a\0b", 3), "a value with a NUL");
	ok(value_is(r.id, "user.empty", "", 0), "one without bytes");
	ok(value_is(r.id, "user.big", big, DB_XVALUE_MAX), "the longest");
	ok(value_is(r.id, "user.A", NULL, 0), "names are bytes");
	ok(value_is(r.id + 1000, "user.a", NULL, 0), "no such record");
	ok(value_is(r.id, "", NULL, 0), "no name");
	free(big);
}

static void test_notes(void)
{
	char *value;

	is_int(db_note_get(db, "k", &value, &e), 0, "a note that is not there");
	ok(!value, "is NULL");
	is_int(db_note_put(db, "k", "one", &e), 0, "a note");
	is_int(db_note_put(db, "k", "two\n'\xc3\xbc", &e), 0, "is replaced");
	reopen(DB_WRITE);
	db_note_get(db, "k", &value, &e);
	is_str(value, "two\n'\xc3\xbc", "and read");
	free(value);
	is_int(db_note_drop(db, "k", &e), 0, "dropped");
	is_int(db_note_drop(db, "k", &e), 0, "and again");
	db_note_get(db, "k", &value, &e);
	ok(!value, "it is gone");
}

static void test_readers_write_nothing(void)
{
	struct db_record r = db_record_new(S_IFREG);

	reopen(DB_READ);
	is_int(db_record_put(db, &r, &e), -1, "a reader cannot write a record");
	ok(one_line(e.msg) && strstr(e.msg, "t.livery"), "the message names the file: %s",
		e.msg);
	is_int(db_note_put(db, "k", "v", &e), -1, "nor a note");
}

int main(void)
{
	scratch_make();
	db = must_open("t.livery", DB_CREATE);
	test_fields();
	test_update();
	test_labels();
	test_label_rollback();
	test_many_labels();
	test_xattrs();
	test_xattr_get();
	test_notes();
	test_readers_write_nothing();
	db_close(db);
	db_close(NULL);
	ok(!exists("t.livery-journal"), "at rest the database is one file");
	return done_testing();
}
