/* SPDX-License-Identifier: MIT */
/* Every name of a tree in one order, however deep. */
#include "fs/walk.h"

#include "tests/unit/tree.h"

#define DEEP 250

struct seen {
	char text[1024];
	const char *prune, *stop;
	int count;
	bool bad;
};

static struct engine *en;
static struct err e;

static int step(void *arg, const struct walk_step *s, struct err *we)
{
	struct seen *seen = arg;
	const char *slash = strrchr(s->path, '/');
	size_t used = strlen(seen->text);

	if (used + strlen(s->path) + 2 < sizeof(seen->text))
		snprintf(seen->text + used, sizeof(seen->text) - used, "%s ", s->path);
	seen->count++;
	seen->bad |= strcmp(s->name, slash ? slash + 1 : s->path) != 0;
	seen->bad |= *s->path ? s->dir == NULL : s->dir != NULL;
	if (seen->prune && strcmp(s->path, seen->prune) == 0)
		return WALK_PRUNE;
	if (seen->stop && strcmp(s->path, seen->stop) == 0)
		return err_set(we, ERR_INPUT, "stop");
	return 0;
}

static void walk_is(const char *start, struct seen *s, int want, const char *text)
{
	is_int(engine_walk(en, must_find(en, start), start, step, s, &e), want,
		"a walk from '%s'", start);
	is_str(s->text, text, "in this order");
	ok(!s->bad, "names and directories fit the paths");
}

static void test_order(void)
{
	struct engine_options o = {0};
	struct seen all = {0}, part = {0}, leaf = {0};
	struct seen prune = {.prune = "a"}, pruned_file = {.prune = "a-"};
	struct seen stop = {.stop = "a/x"}, nothing = {.prune = ""};

	put_dir("s");
	put_dir("s/a");
	put_dir("s/a/x");
	put_text("s/a/x/f", "");
	put_text("s/a/y", "");
	put_text("s/a-", "");
	put_dir("s/B");
	put_link("a", "s/\xff");
	en = must_engine("s", NULL, DB_READ, o);
	walk_is("", &all, 0, " B a a/x a/x/f a/y a- \xff ");
	walk_is("", &prune, 0, " B a a- \xff ");
	walk_is("", &pruned_file, 0, " B a a/x a/x/f a/y a- \xff ");
	walk_is("", &nothing, 0, " ");
	walk_is("", &stop, -1, " B a a/x ");
	is_str(e.msg, "stop", "with the callback's error");
	walk_is("a/x", &part, 0, "a/x a/x/f ");
	walk_is("a/x/f", &leaf, 0, "a/x/f ");
	engine_close(en);
}

static void test_deep(void)
{
	struct engine_options o = {0};
	struct seen s = {0};
	int fd;

	put_dir("deep");
	fd = open("deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		int below;

		if (mkdirat(fd, "dddddddddddddddddddd", 0755) < 0)
			err(1, "mkdirat");
		below = openat(
			fd, "dddddddddddddddddddd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = below;
	}
	close(fd);
	en = must_engine("deep", NULL, DB_READ, o);
	is_int(engine_walk(en, engine_root(en), "", step, &s, &e), 0,
		"%d levels, deeper than PATH_MAX", DEEP);
	is_int(s.count, DEEP + 1, "all of them");
	engine_check_seal(en);
	ok(!engine_seal_broken(en), "and they can be sealed");
	engine_close(en);
}

int main(void)
{
	scratch_make();
	test_order();
	test_deep();
	return done_testing();
}
