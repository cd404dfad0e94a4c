/* SPDX-License-Identifier: MIT */
/* A staging tree or database that changes under a view: EIO, a finding, a broken seal. */
#include "fs/walk.h"
#include "tests/unit/tree.h"

static struct engine *en;
static struct err e;

static int pass(void *arg, const struct walk_step *s, struct err *we)
{
	(void)arg;
	(void)s;
	(void)we;
	return 0;
}

/* A tree with a database, all of it loaded. */
static void start(void)
{
	struct engine_options o = {0};
	struct db *db;

	scratch_clear("s");
	unlink("s.livery");
	put_dir("s");
	put_dir("s/d");
	put_dir("s/d/e");
	put_text("s/d/e/f", "content");
	put_text("s/g", "content");
	put_link("g", "s/l");
	db = must_open("s.livery", DB_CREATE);
	must_add(db, DB_ROOT, "d", S_IFDIR);
	must_add(db, DB_ROOT, "g", S_IFREG);
	db_close(db);
	en = must_engine("s", "s.livery", DB_READ, o);
	if (engine_walk(en, engine_root(en), "", pass, NULL, &e) != 0)
		errx(1, "%s", e.msg);
}

struct telling {
	const char *path;
	enum finding_kind kind;
	int matches, breaking;
};

static void tell(void *arg, const struct finding *f)
{
	struct telling *t = arg;

	t->matches += f->kind == t->kind && strcmp(f->path, t->path) == 0;
	t->breaking += finding_breaks_seal(f->kind);
	if (!one_line(f->text))
		printf("# no text for %s\n", f->path);
}

static void broken(enum finding_kind kind, const char *path, const char *what)
{
	struct telling t = {.path = path, .kind = kind};

	engine_findings(en, tell, &t);
	is_int(t.matches, 1, "%s: told once", what);
	ok(t.breaking && engine_seal_broken(en), "%s: breaks the seal", what);
}

static void sealed_then_broken(enum finding_kind kind, const char *path, const char *what)
{
	engine_check_seal(en);
	engine_check_seal(en);
	broken(kind, path, what);
	engine_close(en);
}

static void test_clean(void)
{
	struct telling t = {.path = ""};
	char buf[16];

	start();
	engine_read(en, must_find(en, "g"), buf, sizeof(buf), 0, &e);
	engine_check_seal(en);
	is_int(engine_findings(en, tell, &t), 0, "nothing changed, nothing found");
	ok(!engine_seal_broken(en), "the seal holds");
	engine_close(en);
}

static void read_fails(const char *path, const char *what)
{
	char buf[16];

	e = (struct err){0};
	is_int(engine_read(en, must_find(en, path), buf, sizeof(buf), 0, &e), -1, "%s",
		what);
	is_int(err_errno(&e), EIO, "%s: EIO", what);
}

static void test_reading(void)
{
	char buf[16];
	int fd;

	start();
	put_text("s/g", "CONTENT");
	read_fails("g", "a file that changed");
	broken(FINDING_CHANGED, "/g", "a file that changed");
	engine_close(en);
	start();
	engine_read(en, must_find(en, "g"), buf, sizeof(buf), 0, &e);
	if (truncate("s/g", 3) < 0)
		err(1, "truncate");
	read_fails("g", "a file cut off after it was read");
	broken(FINDING_CHANGED, "/g", "a file cut off");
	engine_close(en);
	start();
	unlink("s/d/e/f");
	read_fails("d/e/f", "a file that was removed");
	broken(FINDING_CHANGED, "/d/e/f", "a file that was removed");
	engine_close(en);
	start();
	unlink("s/g");
	put_link("/etc/passwd", "s/g");
	read_fails("g", "a file that is a link now");
	broken(FINDING_CHANGED, "/g", "a file that is a link now");
	engine_close(en);
	start();
	if (rename("s/d", "s/d2") < 0)
		err(1, "rename");
	put_link("d2", "s/d");
	read_fails("d/e/f", "a directory that is a link now");
	engine_close(en);
	start();
	fd = open("s/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "content", 7) != 7 || close(fd) < 0 ||
		rename("s/new", "s/g") < 0)
		err(1, "s/new");
	read_fails("g", "another file of the same name");
	engine_close(en);
	start();
	unlink("s/l");
	put_link("h", "s/l");
	is_int(engine_readlink(en, must_find(en, "l"), buf, sizeof(buf), &e), -1,
		"a link that changed");
	broken(FINDING_CHANGED, "/l", "a link that changed");
	engine_close(en);
}

static void test_seal(void)
{
	start();
	put_text("s/d/e/new", "");
	sealed_then_broken(FINDING_CHANGED, "/d/e", "a new file");
	start();
	put_text("s/new", "");
	sealed_then_broken(FINDING_CHANGED, "/", "a new file in the root");
	start();
	unlink("s/d/e/f");
	sealed_then_broken(FINDING_CHANGED, "/d/e/f", "a file removed");
	start();
	if (chmod("s/d/e/f", 0600) < 0)
		err(1, "chmod");
	sealed_then_broken(FINDING_CHANGED, "/d/e/f", "another mode");
	start();
	put_text("s/g", "CONTENT");
	sealed_then_broken(FINDING_CHANGED, "/g", "other content");
	start();
	if (rename("s/d/e", "s/d/moved") < 0)
		err(1, "rename");
	sealed_then_broken(FINDING_CHANGED, "/d/e", "a directory moved");
	start();
	if (rename("s", "moved") < 0)
		err(1, "rename");
	sealed_then_broken(FINDING_CHANGED, "/", "the whole tree moved");
	if (rename("moved", "s") < 0)
		err(1, "rename");
}

static void test_database(void)
{
	struct db *db;

	start();
	unlink("s.livery");
	sealed_then_broken(FINDING_DATABASE, "", "the database removed");
	start();
	db = must_open("s.livery", DB_WRITE);
	if (db_note_put(db, "k", "v", &e) < 0)
		errx(1, "%s", e.msg);
	db_close(db);
	sealed_then_broken(FINDING_DATABASE, "", "the database changed");
}

static int found;

static void at_once(void *arg, const struct finding *f)
{
	found += arg == &found && f->kind == FINDING_CHANGED;
}

static void test_callback(void)
{
	start();
	engine_on_finding(en, at_once, &found);
	put_text("s/g", "");
	read_fails("g", "a file emptied");
	is_int(found, 1, "the callback hears of it at once");
	read_fails("g", "read again");
	is_int(found, 1, "but only once");
	engine_close(en);
}

/* What cannot be read at all; root can read everything. */
static void test_unreadable(void)
{
	struct engine_options o = {0};
	struct telling t = {.path = "/d", .kind = FINDING_UNREADABLE};
	const struct entry *entries;
	size_t count;
	int rc;

	start();
	engine_close(en);
	if (chmod("s/d", 0) < 0)
		err(1, "chmod");
	en = must_engine("s", "s.livery", DB_READ, o);
	rc = engine_list(en, must_find(en, "d"), &entries, &count, &e);
	is_int(rc, geteuid() == 0 ? 0 : -1, "a directory without permissions");
	engine_findings(en, tell, &t);
	is_int(t.matches, geteuid() == 0 ? 0 : 1, "is a finding");
	engine_close(en);
	if (chmod("s/d", 0755) < 0)
		err(1, "chmod");
}

int main(void)
{
	scratch_make();
	test_clean();
	test_reading();
	test_seal();
	test_database();
	test_callback();
	test_unreadable();
	return done_testing();
}
