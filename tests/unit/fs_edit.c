/* SPDX-License-Identifier: MIT */
/* Records for what is in the staging tree already. */
#include "fs/edit.h"

#include "tests/unit/tree.h"

static struct engine *en;
static struct err e;

static void start(void)
{
	scratch_clear("s");
	unlink("s.livery");
	put_dir("s");
	put_dir("s/a");
	put_dir("s/a/b");
	put_text("s/a/b/f", "x");
	put_text("s/one", "x");
	put_text("s/a/copy1", "x");
	put_text("s/a/copy2", "x");
	if (link("s/one", "s/a/two") < 0 || link("s/one", "s/a/b/three") < 0)
		err(1, "link");
}

static void edit(void)
{
	struct engine_options o = {0};

	en = must_engine("s", "s.livery", DB_CREATE, o);
	if (db_begin(engine_db(en), &e) < 0)
		errx(1, "%s", e.msg);
}

static void no_finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

static void done(void)
{
	is_int(db_commit(engine_db(en), &e), 0, "committed");
	is_int(db_check(engine_db(en), no_finding, NULL, &e), 0, "the database is sound");
	engine_close(en);
}

static int64_t adopt_path(const char *path)
{
	int64_t id = 0;

	if (edit_adopt_path(en, path, must_find(en, path), &id, &e) < 0)
		errx(1, "%s", e.msg);
	return id;
}

static struct db_record record(const char *path)
{
	struct db_record r = {0};
	int64_t id = DB_ROOT;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (db_name_get(engine_db(en), id, path, len, &r, &e) != 1)
			return (struct db_record){0};
		id = r.id;
		path += len;
		path += *path == '/';
	}
	return r;
}

static void test_adopt(void)
{
	struct db_record r;
	struct stat st;
	int64_t id;

	start();
	edit();
	is_int(adopt_path(""), DB_ROOT, "the root has its record");
	id = adopt_path("a/b/f");
	ok(id > 0, "a file that had none");
	r = record("a/b/f");
	is_int(r.id, id, "has one now, and so have the directories above");
	ok(r.type == S_IFREG && r.mode == DB_SILENT && r.uid == DB_SILENT &&
			r.gid == DB_SILENT && !r.label,
		"it is silent");
	lstat("s/a/b/f", &st);
	ok(r.hint.ino == st.st_ino && r.hint.dev == st.st_dev, "but knows where it is");
	is_int(record("a").type, S_IFDIR, "the type of a directory");
	is_int(adopt_path("a/b/f"), id, "again: the same");
	done();
	edit();
	is_int(adopt_path("a/b/f"), id, "after reopening too");
	ok(!record("one").id, "what nobody asked for has none");
	done();
}

static void test_links(void)
{
	int64_t id;

	start();
	edit();
	id = adopt_path("a/two");
	ok(record("one").id == id && record("a/two").id == id &&
			record("a/b/three").id == id,
		"a hard link with all its names");
	is_int(db_name_count(engine_db(en), record("one").id, &e), 3, "three");
	done();
	edit();
	is_int(adopt_path("one"), id, "by another name: the same record");
	done();
	if (link("s/one", "s/four") < 0)
		err(1, "link");
	edit();
	is_int(adopt_path("four"), id, "a new name joins them");
	is_int(db_name_count(engine_db(en), record("four").id, &e), 4, "four");
	done();
}

static void test_replaced(void)
{
	struct db *db;
	int64_t old, id;

	start();
	db = must_open("s.livery", DB_CREATE);
	old = must_add(db, DB_ROOT, "one", S_IFDIR);
	must_add(db, old, "below", S_IFREG);
	db_close(db);
	unlink("s/a/two");
	unlink("s/a/b/three");
	edit();
	id = adopt_path("one");
	is_int(record("one").id, id, "a record of another type is replaced");
	is_int(record("one").type, S_IFREG, "by one of the right type");
	ok(!record("one/below").id, "with what was below it");
	done();
}

static void test_split(void)
{
	struct db_record r = db_record_new(S_IFREG);
	struct db *db;
	int64_t dir, id;

	start();
	db = must_open("s.livery", DB_CREATE);
	dir = must_add(db, DB_ROOT, "a", S_IFDIR);
	r.uid = 42;
	db_record_put(db, &r, &e);
	must_link(db, dir, "copy1", r.id);
	must_link(db, dir, "copy2", r.id);
	db_xattr_put(db, r.id, "user.x", "v", 1, &e);
	db_close(db);
	edit();
	id = adopt_path("a/copy2");
	ok(id != r.id && record("a/copy2").id == id, "a file that shared a record");
	ok(record("a/copy2").uid == 42 && record("a/copy2").has_xattrs,
		"gets a copy of it");
	is_int(record("a/copy1").id, r.id, "the other keeps it");
	is_int(record("a/copy1").names, 1, "for itself");
	done();
}

static int note(void *arg, const struct walk_step *s, struct err *we)
{
	return edit_links_note(arg, s, we);
}

static struct edit_links *links;

static int adopt_all(void *arg, const struct walk_step *s, struct err *we)
{
	int64_t id;

	(void)arg;
	return edit_links_adopt(links, en, s, &id, we);
}

static void test_whole_tree(void)
{
	struct db *db;
	int64_t id;

	start();
	db = must_open("s.livery", DB_CREATE);
	id = must_add(db, must_add(db, DB_ROOT, "a", S_IFDIR), "two", S_IFREG);
	db_close(db);
	edit();
	links = edit_links_new();
	is_int(engine_walk(en, engine_root(en), "", note, links, &e), 0, "a first walk");
	is_int(engine_walk(en, engine_root(en), "", adopt_all, NULL, &e), 0, "a second");
	ok(record("one").id == id && record("a/b/three").id == id,
		"all names take the record that one of them had");
	ok(record("a/b/f").id && record("a/copy1").id, "everything has a record");
	ok(record("a/copy1").id != record("a/copy2").id, "one for each file");
	edit_links_free(links);
	edit_links_free(NULL);
	done();
}

int main(void)
{
	scratch_make();
	test_adopt();
	test_links();
	test_replaced();
	test_split();
	test_whole_tree();
	return done_testing();
}
