/* SPDX-License-Identifier: MIT */
/* What is read before its reader asks: in which order, how much, and that it holds. */
#include <fcntl.h>
#include <sys/xattr.h>
#include <time.h>

#include "fs/ahead_dirs.h"
#include "fs/ahead_files.h"
#include "fs/order.h"
#include "tests/unit/tree.h"

#define READER 7

static struct engine *en;
static struct ahead *a;
static struct err e;

/* Directories 0 to 9 with files 0 to 9 in each. */
static void make_tree(void)
{
	char path[32];

	scratch_clear("s");
	put_dir("s");
	for (int i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "s/%d", i);
		put_dir(path);
		for (int j = 0; j < 10; j++) {
			snprintf(path, sizeof(path), "s/%d/%d", i, j);
			put_text(path, path);
		}
	}
}

static void start(void)
{
	struct engine_options o = {0};

	make_tree();
	en = must_engine("s", NULL, DB_READ, o);
	a = ahead_new(en);
	engine_read_ahead(en, a);
	is_int(ahead_begin(a), 0, "the thread is started");
}

static void end(void)
{
	ahead_end(a);
	engine_read_ahead(en, NULL);
	ahead_free(a);
	engine_close(en);
}

static bool try_list(const char *path)
{
	const struct entry *entries;
	size_t count;

	return engine_list(en, must_find(en, path), &entries, &count, &e) == 0;
}

/* As a reader does. */
static void list(const char *path)
{
	struct node *dir = must_find(en, path);
	bool first = !engine_loaded(dir);

	if (!try_list(path))
		errx(1, "%s", e.msg);
	ahead_listed(a, READER, dir, first);
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

/* Until that directory is ready; all that come before it are then, too. */
static bool wait_for(const char *path)
{
	struct dirlist *l = NULL;

	for (int i = 0; i < 1000 && !l; i++) {
		l = ahead_take(a, must_find(en, path));
		if (!l)
			pause_ms(10);
	}
	dirlist_drop(l);
	return l;
}

static bool was_ready(const char *path)
{
	return atomic_load(&must_find(en, path)->dir)->ahead;
}

static void ignore(void *arg, const struct finding *f)
{
	(void)arg;
	(void)f;
}

static size_t findings(void)
{
	return engine_findings(en, ignore, NULL);
}

static void test_directories(void)
{
	int ready = 0;

	start();
	list("");
	ok(!was_ready(""), "the first directory is the reader's own work");
	ok(wait_for("3"), "those behind it are read");
	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('0' + i), '\0'};

		list(name);
		ready += was_ready(name);
	}
	is_int(ready, 3, "he finds them ready");
	ok(wait_for("9"), "more follow");
	is_int(findings(), 0, "nothing is found");
	end();
}

static void test_changed(void)
{
	start();
	if (!try_list(""))
		errx(1, "%s", e.msg);
	if (rename("s/0", "old") < 0)
		err(1, "rename");
	put_dir("s/0");
	ahead_listed(a, READER, engine_root(en), true);
	ok(wait_for("3"), "a directory that was replaced does not end it");
	is_int(findings(), 0, "nobody asked, nothing is found");
	ok(!try_list("0"), "who asks gets an error");
	is_int(findings(), 1, "and that is a finding");
	put_text("s/1/new", "");
	list("1");
	ok(!was_ready("1") && engine_find(en, "1/new", &e), "a new name shows");
	scratch_clear("old");
	end();
}

static void test_attributes(void)
{
	struct xattr x;

	start();
	if (setxattr("s/1/5", "user.x", "value", 5, 0) < 0)
		err(1, "setxattr");
	ahead_want_attributes(a);
	list("");
	ok(wait_for("3"), "directories are read, with attributes");
	list("0");
	list("1");
	ok(was_ready("0") && was_ready("1"), "two were ready");
	ok(atomic_load(&must_find(en, "0")->dir->host_xattrs), "the one has none");
	ok(!atomic_load(&must_find(en, "1")->dir->host_xattrs), "the other has");
	is_int(engine_xattr(en, must_find(en, "0/5"), "user.x", &x, &e), 0,
		"it has none");
	is_int(engine_xattr(en, must_find(en, "1/5"), "user.x", &x, &e), 1, "it has one");
	end();
}

static void test_contents(void)
{
	struct ahead_content *c = NULL, *last;

	start();
	list("0");
	ahead_content_free(ahead_content(a, READER, must_find(en, "0/0")));
	ahead_content_free(ahead_content(a, READER, must_find(en, "0/1")));
	for (int i = 0; i < 1000 && !c; i++) {
		pause_ms(10);
		c = ahead_content_due(a, READER, must_find(en, "0/2"));
	}
	ok(c && c->node == must_find(en, "0/2"), "what comes next is ready");
	ok(c && c->size == 5 && memcmp(c->bytes, "s/0/2", 5) == 0, "it is its content");
	for (last = c; last && last->next; last = last->next)
		ok(order_compare(last->node, last->next->node) < 0, "then the next");
	ok(!ahead_content_due(a, READER + 1, must_find(en, "0/9")),
		"nothing is for others");
	ahead_content_free(c);
	is_int(findings(), 0, "nothing is found");
	end();
}

/* --- in which order, and how much */

static struct ahead_files files;

static const char *next(void)
{
	static char name[16];
	struct node *n;
	struct ahead_reader *r = ahead_files_next(&files, &n);
	struct ahead_content *c;
	char *path;

	if (!r)
		return NULL;
	path = engine_path(n);
	snprintf(name, sizeof(name), "%s", path);
	free(path);
	c = calloc(1, sizeof(*c) + 1);
	if (!c)
		err(1, "calloc");
	c->node = n;
	c->size = (size_t)n->seen.size;
	ahead_files_add(&files, r, c);
	return name;
}

static void asks(const char *path)
{
	ahead_files_asked(&files, READER, must_find(en, path));
}

static void begin_files(void)
{
	struct engine_options o = {0};

	en = must_engine("s", NULL, DB_READ, o);
	files = (struct ahead_files){0};
	ahead_files_init(&files);
}

static void end_files(void)
{
	ahead_files_stop(&files);
	is_int(atomic_load(&files.bytes), 0, "nothing is left");
	engine_close(en);
}

static void test_order(void)
{
	struct ahead_content *c;

	make_tree();
	begin_files();
	asks("0/3");
	is_str(next(), NULL, "one file says nothing");
	asks("0/3");
	is_str(next(), NULL, "nor does it when it is read on");
	asks("0/4");
	is_str(next(), "0/5", "two in order do");
	is_str(next(), "0/6", "it goes on");
	asks("0/6");
	ok(!ahead_files_take(&files, READER, must_find(en, "0/4"), true),
		"not before he comes there");
	c = ahead_files_take(&files, READER, must_find(en, "0/6"), false);
	ok(c && c->node == must_find(en, "0/6"), "he gets what he asks for");
	ok(c && !c->next, "and nothing that he is past");
	ahead_content_free(c);
	asks("0/2");
	is_str(next(), NULL, "who goes back is in no order");
	asks("0/5");
	is_str(next(), NULL, "who leaves out some neither");
	asks("0/6");
	for (int i = 7; i <= 9; i++)
		next();
	is_str(next(), NULL, "what is not loaded ends it");
	must_find(en, "1/0");
	is_str(next(), NULL, "for now");
	ahead_files_more(&files, READER);
	is_str(next(), "1/0", "then it goes on");
	end_files();
}

static void put_large(const char *path, off_t size, bool hole)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || (hole ? ftruncate(fd, size) : posix_fallocate(fd, 0, size)) != 0)
		err(1, "%s", path);
	close(fd);
}

static void test_left_out(void)
{
	make_tree();
	put_large("s/0/2", 1 << 20, false);
	put_large("s/0/3", 100000, true);
	put_text("s/0/4", "");
	begin_files();
	asks("0/0");
	asks("0/1");
	is_str(next(), "0/5", "large files, holes and empty files are left out");
	asks("0/2");
	is_str(next(), "0/6", "he may ask for them");
	end_files();
}

static void test_window(void)
{
	struct ahead_content *c;
	size_t bytes = 0, before;

	make_tree();
	for (int i = 0; i < 10; i++) {
		char path[] = "s/0/0";

		path[4] = (char)('0' + i);
		put_large(path, 30000, false);
	}
	begin_files();
	asks("0/0");
	asks("0/1");
	while (next())
		bytes = atomic_load(&files.bytes);
	ok(bytes >= 60000 && bytes < 100000, "it stops after so many bytes");
	before = bytes;
	c = ahead_files_take(&files, READER, must_find(en, "0/2"), true);
	ok(c && c->node == must_find(en, "0/2"), "he takes them");
	ahead_content_free(c);
	is_int(atomic_load(&files.bytes), 0, "all");
	while (next())
		bytes = atomic_load(&files.bytes);
	ok(bytes > before, "who takes them gets more the next time");
	end_files();
}

static bool reads_on(struct ahead_dirs *d)
{
	struct dirlist_key key;

	if (!ahead_dirs_due(d, false) || !ahead_dirs_next(d, &key))
		return false;
	ahead_dirs_add(d, NULL, 0);
	return true;
}

static void test_lost(void)
{
	struct engine_options o = {0};
	struct ahead_dirs d;
	int begun = 0;

	make_tree();
	en = must_engine("s", NULL, DB_READ, o);
	must_find(en, "5/5");
	ahead_dirs_init(&d);
	for (int i = 0; i < 100; i++) {
		ahead_dirs_start(&d, engine_root(en), i);
		begun += reads_on(&d);
	}
	ok(begun > 0 && begun < 10, "who is never where he is awaited is left alone");
	ahead_dirs_start(&d, engine_root(en), 10000);
	ok(reads_on(&d), "but not for ever");
	ok(strcmp(d.path.data, "0") == 0, "the first is read");
	for (int i = 1; i < 9; i++)
		reads_on(&d);
	is_str(d.path.data, "9", "one that is loaded is left out, the last is read");
	ok(!reads_on(&d), "then nothing is left");
	ahead_dirs_free(&d);
	engine_close(en);
}

int main(void)
{
	scratch_make();
	test_directories();
	test_changed();
	test_attributes();
	test_contents();
	test_order();
	test_left_out();
	test_window();
	test_lost();
	return done_testing();
}
