/* SPDX-License-Identifier: MIT */
/* Intents made by hand: damaged, hostile, or of states that are hard to be killed in. */
#include <sys/sysmacros.h>

#include "fs/live/intent_slot.h"
#include "tests/unit/live_util.h"

static struct err e;
static int64_t id_d, id_f, id_c, id_m;
static struct buf tree_before;

static void list_below(int fd, const char *path, struct buf *out)
{
	struct stage_list list;

	if (stage_list(fd, path, &list, &e) < 0)
		errx(1, "%s", e.msg);
	for (size_t i = 0; i < list.count; i++) {
		const struct stage_entry *s = &list.entries[i];
		char below[600];
		int sub;

		snprintf(below, sizeof(below), "%s/%s", path, s->name);
		buf_addf(out, "%s %o %llu %llu %u\n", below, s->st.stx_mode,
			(unsigned long long)s->st.stx_size,
			(unsigned long long)s->st.stx_ino, s->st.stx_nlink);
		if (!S_ISDIR(s->st.stx_mode))
			continue;
		sub = openat(fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		list_below(sub, below, out);
		close(sub);
	}
	stage_list_free(&list);
}

/* The staging tree and what is beside it. */
static struct buf list_files(void)
{
	struct buf b = {0};
	static const char *const dirs[] = {"s", "out"};

	for (int i = 0; i < 2; i++) {
		int fd = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		list_below(fd, dirs[i], &b);
		close(fd);
	}
	return b;
}

static int64_t id_of(struct db *db, int64_t parent, const char *name)
{
	struct db_record r;

	if (db_name_get(db, parent, name, strlen(name), &r, &e) != 1)
		errx(1, "%s: no record", name);
	return r.id;
}

/* d/c/x, f with hard link f2, dev; moved by hand: m to n; gone by hand: gone, gd/x. */
static void build(void)
{
	struct live *l;
	struct db *db;

	start_over();
	if (!exists("out"))
		put_dir("out");
	if (exists("out/victim"))
		unlink("out/victim");
	put_text("out/victim", "precious");
	put_text("s/plain", "");
	put_link("../out", "s/exit");
	l = must_live(NULL);
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/c", S_IFDIR | 0700, 0), "c");
	must(make_at(l, "d/c/x", S_IFREG | 0600, 0), "x");
	must(make_at(l, "f", S_IFREG | 0640, 0), "f");
	must(chown_node(l, must_at(l, "f"), 5, 6), "f");
	must(link_at(l, "f", "f2"), "f2");
	must(make_at(l, "dev", S_IFCHR | 0600, makedev(1, 3)), "dev");
	must(make_at(l, "m", S_IFDIR | 0700, 0), "m");
	must(make_at(l, "m/y", S_IFREG | 0600, 0), "m/y");
	must(make_at(l, "gone", S_IFREG | 0600, 0), "gone");
	must_close(l);
	db = must_open(DB, DB_READ);
	id_d = id_of(db, DB_ROOT, "d");
	id_c = id_of(db, id_d, "c");
	id_f = id_of(db, DB_ROOT, "f");
	id_m = id_of(db, DB_ROOT, "m");
	db_close(db);
	if (rename("s/m", "s/n") < 0 || unlink("s/gone") < 0)
		err(1, "s");
	buf_free(&tree_before);
	tree_before = list_files();
}

static struct intent_slot slot(enum intent_kind kind, int64_t from, const char *name,
	int64_t to, const char *to_name)
{
	struct intent_slot s;

	memset(&s, 0, sizeof(s));
	memcpy(s.magic, INTENT_MAGIC, sizeof(s.magic));
	s.kind = kind;
	s.from_parent = from;
	s.to_parent = to;
	snprintf(s.from, sizeof(s.from), "%s", name);
	snprintf(s.to, sizeof(s.to), "%s", to_name);
	return s;
}

static uint64_t ino_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		err(1, "%s", path);
	return st.st_ino;
}

static int settle(void)
{
	struct stage *stage = must_stage("s");
	struct db *db = must_open(DB, DB_LIVE);
	int rc;

	e = (struct err){0};
	rc = intent_settle(stage, db, &e);

	db_close(db);
	stage_close(stage);
	return rc;
}

/* Whatever is asked for: the files stay, and the database is sound. */
static void harmless(const char *what)
{
	struct db *db = must_open(DB, DB_READ);
	struct buf now = list_files();

	is_int(db_check(db, print_finding, NULL, &e), 0, "%s: a sound database", what);
	db_close(db);
	is_str(now.data, tree_before.data, "%s: all files as they were", what);
	ok(file_is("out/victim", "precious"), "%s: nothing outside is touched", what);
	buf_free(&now);
}

static char *names_text(void)
{
	struct db *db = must_open(DB, DB_READ);
	struct buf b = {0};
	static const int64_t *const dirs[] = {&id_d, &id_c};

	for (int i = 0; i < 3; i++) {
		struct children *c = calloc(1, sizeof(*c));
		int64_t id = i ? *dirs[i - 1] : DB_ROOT;

		if (!c || db_children(db, id, add_child, c, &e) < 0)
			errx(1, "%s", e.msg);
		for (int k = 0; k < c->count; k++)
			buf_addf(&b, "%lld/%s = %lld %o %u:%u\n", (long long)id,
				c->names[k], (long long)c->r[k].id, c->r[k].mode,
				c->r[k].uid, c->r[k].gid);
		free(c);
	}
	db_close(db);
	return b.data;
}

/* An intent that must change nothing at all. */
static void ignored(const void *bytes, size_t len, const char *what)
{
	char *before, *after;

	build();
	before = names_text();
	put_file(INTENT, bytes, len);
	is_int(settle(), 0, "%s: settled", what);
	ok(!exists(INTENT), "%s: and gone", what);
	harmless(what);
	after = names_text();
	is_str(after, before, "%s: and all names as they were", what);
	free(before);
	free(after);
}

static void test_bytes(void)
{
	struct intent_slot s = slot(INTENT_REMOVE, DB_ROOT, "gone", 0, "");
	struct db_record r;
	struct db *db;

	ignored("", 0, "an empty file");
	ignored("x", 1, "one byte");
	ignored(&s, sizeof(s) - 1, "a byte too short");
	s.magic[7]++;
	ignored(&s, sizeof(s), "another magic");
	s.magic[7]--;
	s.kind = INTENT_NONE;
	ignored(&s, sizeof(s), "none");
	s.kind = INTENT_EXCHANGE + 1;
	ignored(&s, sizeof(s), "a kind that is none");
	s.kind = UINT32_MAX;
	ignored(&s, sizeof(s), "another");
	s.kind = INTENT_REMOVE;
	/* That what is ignored above would do something: */
	build();
	put_file(INTENT, &s, sizeof(s));
	is_int(settle(), 0, "as it should be");
	db = must_open(DB, DB_READ);
	is_int(db_name_get(db, DB_ROOT, "gone", 4, &r, &e), 0, "it does something");
	db_close(db);
	harmless("as it should be");
}

static void test_names(void)
{
	static const char *const bad[] = {"/", "../out/victim", "d/../gone", "..", ".",
		"d/c", "/etc", "gone/", "exit/victim", ""};
	enum intent_kind kinds[] = {
		INTENT_MAKE, INTENT_LINK, INTENT_REMOVE, INTENT_RENAME, INTENT_EXCHANGE};
	char what[80];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t k = 0; k < 5; k++) {
			struct intent_slot s =
				slot(kinds[k], DB_ROOT, bad[i], DB_ROOT, bad[i]);

			s.record = db_record_new(S_IFREG);
			s.record.id = id_f;
			s.ino = ino_of("out/victim");
			snprintf(what, sizeof(what), "kind %u of '%s'", kinds[k], bad[i]);
			ignored(&s, sizeof(s), what);
		}
	for (size_t k = 0; k < 5; k++) {
		struct intent_slot s = slot(kinds[k], DB_ROOT, "x", DB_ROOT, "x");

		s.record = db_record_new(S_IFREG);
		memset(kinds[k] == INTENT_REMOVE ? s.from : s.to, 'a', sizeof(s.to));
		ignored(&s, sizeof(s), "a name without an end");
	}
}

static void test_numbers(void)
{
	static const int64_t parents[] = {
		0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 53, 9999};
	enum intent_kind kinds[] = {
		INTENT_MAKE, INTENT_LINK, INTENT_REMOVE, INTENT_RENAME, INTENT_EXCHANGE};

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 5; k++) {
			struct intent_slot s =
				slot(kinds[k], parents[i], "f", parents[i], "plain");

			s.record = db_record_new(S_IFREG);
			s.record.id = parents[i];
			ignored(&s, sizeof(s), "a directory that is none");
			s.from_parent = s.to_parent = id_f;
			ignored(&s, sizeof(s), "a file for a directory");
		}
	for (size_t i = 0; i < 6; i++) {
		struct intent_slot s = slot(INTENT_LINK, 0, "", DB_ROOT, "plain");

		s.record = db_record_new(S_IFREG);
		s.record.id = parents[i];
		s.ino = ino_of("s/plain");
		ignored(&s, sizeof(s), "a link to a record that is not there");
	}
}

/* A file that is there and has no record gets one: it has to be one that holds. */
static void strange_make(struct db_record r, const char *label, const char *what)
{
	struct intent_slot s = slot(INTENT_MAKE, 0, "", DB_ROOT, "plain");
	struct live *l;
	struct stat st;

	build();
	s.record = r;
	memcpy(s.label, label, strlen(label));
	put_file(INTENT, &s, sizeof(s));
	is_int(settle(), 0, "%s: settled %s", what, e.msg);
	harmless(what);
	l = must_live(NULL);
	ok(look(l, live_root(l), "plain", &st), "%s: can be looked at", what);
	must_close(l);
}

static void test_values(void)
{
	struct db_record r = db_record_new(S_IFREG);

	strange_make(r, "", "a silent record");
	r.mode = 0x1ffff;
	strange_make(r, "", "a mode that is none");
	r.mode = 0644;
	r.rdev = makedev(1, 3);
	strange_make(r, "", "a device number on a file");
	r.type = S_IFCHR;
	r.rdev = UINT64_MAX;
	strange_make(r, "", "a large device number");
	r.rdev = makedev(1, 3);
	r.label = 77;
	strange_make(r, "", "a label that is not there");
	strange_make(r, "u:r:t\n\x01", "a label of strange bytes");
	r.type = 0x12345678;
	strange_make(r, "", "a type that is none");
	r.type = S_IFCHR;
	r.id = id_d;
	r.names = 99;
	r.has_xattrs = true;
	strange_make(r, "", "a record with a number already");
}

/* What no daemon would write; ino is that of a path. */
static void hostile(struct intent_slot s, const char *ino, const char *what)
{
	struct buf b = {0};
	struct live *l;

	build();
	s.ino = ino_of(ino);
	put_file(INTENT, &s, sizeof(s));
	is_int(settle(), 0, "%s: settled %s", what, e.msg);
	ok(!exists(INTENT), "%s: and gone", what);
	harmless(what);
	unlink(INTENT);
	l = must_live(NULL);
	describe(l, live_root(l), "", &b);
	ok(strstr(b.data, "/f 100640 5:6 links 2") && strstr(b.data, "/d/c/x"),
		"%s: the view", what);
	buf_free(&b);
	must_close(l);
}

static void test_loops(void)
{
	struct intent_slot s;

	build();
	s = slot(INTENT_RENAME, DB_ROOT, "d", id_d, "c");
	s.record.id = id_d;
	hostile(s, "s/d/c", "a directory renamed into itself");
	s.kind = INTENT_EXCHANGE;
	hostile(s, "s/d/c", "a directory exchanged with what is in it");
	s = slot(INTENT_EXCHANGE, id_d, "c", DB_ROOT, "d");
	s.record.id = id_c;
	hostile(s, "s/d", "the same from below");
	s = slot(INTENT_RENAME, id_d, "c", DB_ROOT, "d");
	s.record.id = id_c;
	hostile(s, "s/d", "a directory renamed over the one above it");
	s = slot(INTENT_LINK, 0, "", DB_ROOT, "n");
	s.record = db_record_new(S_IFDIR);
	s.record.id = id_m;
	hostile(s, "s/n", "a second name for a directory");
	s = slot(INTENT_LINK, 0, "", id_d, "c");
	s.record.id = DB_ROOT;
	hostile(s, "s/d/c", "a name for the root");
	s.record.id = id_d;
	hostile(s, "s/d/c", "a directory linked into itself");
	s = slot(INTENT_EXCHANGE, id_f, "below", DB_ROOT, "d");
	hostile(s, "s/d", "an exchange with what is below a file");
	s = slot(INTENT_RENAME, DB_ROOT, "f", DB_ROOT, "f");
	s.record.id = id_f;
	hostile(s, "s/f", "a rename to the same name");
	s.kind = INTENT_EXCHANGE;
	hostile(s, "s/f", "an exchange with itself");
}

/* Something else in the file's place: nothing behind it is read, written or removed. */
static void in_place(const char *what)
{
	struct stat before, after;
	int rc;

	lstat(INTENT, &before);
	rc = settle();
	if (rc < 0)
		ok(strstr(e.msg, INTENT) && one_line(e.msg), "%s: %s", what, e.msg);
	ok(lstat(INTENT, &after) < 0 ? rc == 0 : rc < 0 && after.st_ino == before.st_ino,
		"%s: settled or said", what);
	harmless(what);
	ok(file_is("out/slot", "nothing"), "%s: what it points to stays", what);
	unlink(INTENT);
	rmdir(INTENT);
}

static void test_places(void)
{
	build();
	put_text("out/slot", "nothing");
	buf_free(&tree_before);
	tree_before = list_files();
	put_link("out/slot", INTENT);
	in_place("a symbolic link");
	put_link("out/missing", INTENT);
	in_place("a symbolic link to nothing");
	ok(!exists("out/missing"), "which is not made");
	put_dir(INTENT);
	in_place("a directory");
	if (mkfifo(INTENT, 0600) < 0)
		err(1, "mkfifo");
	in_place("a fifo");
	unlink("out/slot");
}

/* A view does not open where a link is in the place, nor write through it. */
static void test_open_through_link(void)
{
	struct live_options o = {.uid = 0};
	struct live *l;
	size_t len;
	char *text;

	build();
	put_text("out/victim", "precious");
	put_link("out/victim", INTENT);
	ok(live_open(&l, must_stage("s"), must_open(DB, DB_LIVE), &o, &e) < 0,
		"no view over a link: %s", e.msg);
	ok(!l && one_line(e.msg), "with one line");
	text = get_file("out/victim", &len);
	is_str(text, "precious", "what it points to stays");
	free(text);
	unlink(INTENT);
}

int main(void)
{
	scratch_make();
	test_bytes();
	test_names();
	test_numbers();
	test_values();
	test_loops();
	test_places();
	test_open_through_link();
	buf_free(&tree_before);
	buf_free(&said);
	return done_testing();
}
