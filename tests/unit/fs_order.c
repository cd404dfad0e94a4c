/* SPDX-License-Identifier: MIT */
/* The order in which a walk comes to names. */
#include "fs/order.h"
#include "tests/unit/tree.h"

static struct engine *en;
static struct err e;

static void load(const char *path)
{
	const struct entry *entries;
	size_t count;

	if (engine_list(en, must_find(en, path), &entries, &count, &e) < 0)
		errx(1, "%s", e.msg);
}

static void start(void)
{
	struct engine_options o = {0};

	scratch_clear("s");
	put_dir("s");
	put_text("s/b", "b");
	put_dir("s/b.d");
	put_dir("s/b.d/deep");
	put_text("s/b.d/deep/x", "x");
	put_text("s/b.d/y", "y");
	put_link("y", "s/b.d/z");
	put_dir("s/c");
	put_text("s/c/first", "f");
	if (link("s/b", "s/c/other") < 0 || link("s/c/first", "s/c/second") < 0)
		err(1, "link");
	put_text("s/d", "d");
	en = must_engine("s", NULL, DB_READ, o);
	load("");
}

static void follows(const char *path, const char *next)
{
	struct node *n = order_next_file(must_find(en, path));
	char *found = n ? engine_path(n) : NULL;

	is_str(found, next, "after '%s' comes %s", path, next ? next : "nothing");
	free(found);
}

static void test_files(void)
{
	start();
	follows("", "b");
	is_str((order_next_file(must_find(en, "b")) ? "one" : NULL), NULL,
		"what is not loaded is not passed over");
	load("b.d");
	load("b.d/deep");
	follows("b", "b.d/deep/x");
	follows("b.d", "b.d/deep/x");
	follows("b.d/deep/x", "b.d/y");
	load("c");
	follows("b.d/y", "c/first");
	follows("b.d/z", "c/first");
	follows("c/first", "d");
	follows("d", NULL);
	engine_close(en);
}

static void before(const char *a, const char *b)
{
	const struct node *x = must_find(en, a), *y = must_find(en, b);

	ok(order_compare(x, y) < 0 && order_compare(y, x) > 0, "'%s' is before '%s'", a,
		b);
}

static void test_compare(void)
{
	static const char *const order[] = {"", "b", "b.d", "b.d/deep", "b.d/deep/x",
		"b.d/y", "b.d/z", "c", "c/first", "d"};

	start();
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		is_int(order_compare(must_find(en, order[i]), must_find(en, order[i])), 0,
			"'%s' is where it is", order[i]);
		for (size_t j = i + 1; j < sizeof(order) / sizeof(order[0]); j++)
			before(order[i], order[j]);
	}
	engine_close(en);
}

static void test_loaded(void)
{
	start();
	load("c");
	load("b.d/deep");
	ok(order_next_loaded(engine_root(en)) == must_find(en, "b.d"), "b.d, on the way");
	ok(order_next_loaded(must_find(en, "b.d")) == must_find(en, "b.d/deep"), "deep");
	ok(order_next_loaded(must_find(en, "b.d/deep")) == must_find(en, "c"), "c");
	ok(!order_next_loaded(must_find(en, "c")), "then nothing");
	engine_close(en);
}

int main(void)
{
	scratch_make();
	test_files();
	test_compare();
	test_loaded();
	return done_testing();
}
