/* SPDX-License-Identifier: MIT */
/*
 * A walk's look-ups by name against look-ups of whole paths: many generated policies with
 * substitutions of all kinds, several directories open at a time, in any order.
 */
#include <ctype.h>

#include "labeler/matcher.h"
#include "tests/unit/labeler_util.h"

#define ROUNDS 240
#define STEPS  600
#define LIVE   12   /* directories that are open at a time */
#define ROOM   1024 /* bytes of a path */

static unsigned long long state = 0x2545f4914f6cdd1du;
static struct place place;
static struct err e;
static int compared, wrong;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* Few names, so that paths meet rules and substitutions. */
static const char *const names[] = {"a", "b", "c", "ab", "a.b"};
static const char *const parts[] = {"a", "b", "c", "a.*", "[ab]", "(a|c)b?", "a\\.b",
	"[^/]+", ".", "c(/.*)?", "(b/)?c", "\\n?b", "a(?=/)", "(?!b)."};
static const char *const tails[] = {"", "", "(/.*)?", "/.*", ".*", "/"};
static const char *const types[] = {"", "", "-- ", "-d ", "-l "};
static const mode_t modes[] = {0, S_IFREG, S_IFDIR, S_IFLNK, S_IFSOCK, S_IFMT};

#define PICK(from) ((from)[below(sizeof(from) / sizeof((from)[0]))])

static void make_rules(void)
{
	static const char *const files[] = {"file_contexts", "file_contexts.local"};

	for (size_t f = 0; f < 2; f++) {
		char text[8192] = "/.* all\n";
		size_t len = below(2) ? strlen(text) : 0;

		for (unsigned i = 0; i < 16; i++) {
			char regex[256] = "";
			char context[16];

			for (unsigned depth = 1 + below(4); depth; depth--) {
				strcat(regex, "/");
				strcat(regex, below(2) ? PICK(names) : PICK(parts));
			}
			if (below(3) == 0)
				strcat(regex, PICK(tails));
			snprintf(context, sizeof(context), "t%u", below(9));
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%s %s%s\n", regex, PICK(types),
				below(12) ? context : "<<none>>");
		}
		place_write(&place, files[f], text, len);
	}
}

/* A side of a substitution: "/", or up to three names. */
static void make_side(char *out, bool source)
{
	out[0] = '\0';
	for (unsigned depth = below(8) == 0 ? 0 : 1 + below(3); depth; depth--) {
		strcat(out, "/");
		strcat(out, names[below(below(4) ? 2 : 5)]);
	}
	if (!out[0] || (below(12) == 0 && !source))
		strcat(out, "/");
}

static void make_subs(const char *name)
{
	char text[2048];
	size_t len = 0;

	for (unsigned i = below(10); i; i--) {
		char from[64], to[64];

		make_side(from, true);
		make_side(to, false);
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s %s\n", from, to);
	}
	place_write(&place, name, text, len);
}

/* A directory that is entered; more than one may be open at the same path. */
struct dir {
	char path[ROOM]; /* "" for the root */
	struct labeler_cursor cursor;
};

static struct dir live[LIVE];

/* A path in dir: a common name, or any bytes. */
static void make_child(char *out, const struct dir *dir)
{
	size_t len = (size_t)snprintf(out, ROOM, "%s/", dir->path);

	if (below(4)) {
		snprintf(
			out + len, ROOM - len, "%s%s", PICK(names), below(8) ? "" : "\n");
		return;
	}
	for (unsigned n = 1 + below(6); n; n--) {
		char c = (char)(1 + below(255));

		out[len++] = c == '/' ? '\n' : c;
	}
	out[len] = '\0';
}

static void show(const char *path, const struct labeler_result *got,
	const struct labeler_result *want)
{
	static const char *const files[] = {"", ".local", ".subs", ".subs_dist"};

	if (wrong > 2)
		return;
	printf("# '%s': line %u, differs %u; by its path %u, %u\n", path,
		got->rule ? got->rule->line : 0, got->differs,
		want->rule ? want->rule->line : 0, want->differs);
	for (size_t i = 0; i < 4; i++) {
		char name[128];
		char line[256];
		FILE *f;

		snprintf(name, sizeof(name), "%s/file_contexts%s", place.dir, files[i]);
		f = fopen(name, "re");
		while (f && fgets(line, sizeof(line), f))
			printf("#   file_contexts%s: %s", files[i], line);
		if (f)
			fclose(f);
	}
}

static void compare(struct labeler *l, const struct dir *dir, const char *path)
{
	struct labeler_result got, want;
	mode_t mode = PICK(modes);

	if (labeler_lookup_in(l, &dir->cursor, path, mode, &got, &e) < 0 ||
		labeler_lookup(l, path, mode, &want, &e) < 0)
		errx(1, "%s", e.msg);
	compared++;
	if (got.answer == want.answer && got.rule == want.rule &&
		got.differs == want.differs)
		return;
	wrong++;
	show(path, &got, &want);
}

/* Enters a directory in from, into slot to, which may be the same. */
static void enter(struct labeler *l, struct dir *from, struct dir *to)
{
	struct labeler_cursor parent = from->cursor;
	char path[ROOM];

	make_child(path, from);
	if (strlen(path) > ROOM / 2 || below(6) == 0) {
		to->path[0] = '\0';
		if (labeler_enter(l, NULL, "/", &to->cursor, &e) < 0)
			errx(1, "%s", e.msg);
		return;
	}
	strcpy(to->path, path);
	if (labeler_enter(l, below(5) ? &parent : NULL, path, &to->cursor, &e) < 0)
		errx(1, "%s", e.msg);
}

static void walk(struct labeler *l)
{
	for (size_t i = 0; i < LIVE; i++) {
		live[i].path[0] = '\0';
		if (labeler_enter(l, NULL, "/", &live[i].cursor, &e) < 0)
			errx(1, "%s", e.msg);
	}
	for (int i = 0; i < STEPS; i++) {
		struct dir *dir = &live[below(LIVE)];
		char path[ROOM];

		make_child(path, dir);
		if (below(4) == 0)
			enter(l, dir, &live[below(LIVE)]);
		else
			compare(l, dir, path);
	}
}

static void test_random(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		enum labeler_version v = (enum labeler_version)(i % LABELER_VERSIONS);
		struct labeler *l;

		make_rules();
		make_subs("file_contexts.subs");
		make_subs("file_contexts.subs_dist");
		if (place_open_as(&place, &l, LABELER_MATCHER, v, &e) < 0)
			errx(1, "%s", e.msg);
		walk(l);
		labeler_close(l);
	}
	ok(compared > ROUNDS * STEPS / 2, "%d look-ups by name", compared);
	is_int(wrong, 0, "each as by its path");
}

/* One directory, its cursor made from the root on, and the rule of a name in it. */
static void gives(struct labeler *l, const char *dir, const char *name, const char *want)
{
	struct labeler_cursor c[16];
	struct labeler_result r;
	char path[ROOM];
	size_t n = 0;

	if (labeler_enter(l, NULL, "/", &c[0], &e) < 0)
		errx(1, "%s", e.msg);
	for (const char *p = dir; *p; p++) {
		const char *end = strchrnul(p + 1, '/');

		snprintf(path, sizeof(path), "%.*s", (int)(end - dir), dir);
		if (labeler_enter(l, &c[n], path, &c[n + 1], &e) < 0)
			errx(1, "%s", e.msg);
		n++;
		p = end - 1;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (labeler_lookup_in(l, &c[n], path, S_IFREG, &r, &e) < 0)
		errx(1, "%s", e.msg);
	is_str(r.rule ? r.rule->context : NULL, want, "%s", path);
}

/* What must come out, where a substitution's source is at, above and below. */
static void test_known(void)
{
	struct labeler *l;

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/.* all\n/usr/lib(/.*)? lib\n/usr/lib/deep(/.*)? deep\n"
		"/srv/www(/.*)? www\n/top top\n/end(/.*)? end\n");
	place_text(&place, "file_contexts.subs_dist",
		"/lib /usr/lib\n/lib/private /srv/www\n/root/fs /\n/chain /end\n");
	place_text(&place, "file_contexts.subs", "/a/b/c /chain\n/lib/x/y /end\n");
	l = place_must_open(&place);
	gives(l, "", "lib", "lib");
	gives(l, "", "libx", "all");
	gives(l, "/lib", "x", "lib");
	gives(l, "/lib", "deep", "deep");
	gives(l, "/lib/deep", "x", "deep");
	gives(l, "/lib", "private", "www");
	gives(l, "/lib/private", "x", "www");
	gives(l, "/lib/private/deep", "x", "www");
	gives(l, "/lib", "privateer", "lib");
	gives(l, "/lib/x", "y", "end");
	gives(l, "/lib/x/y", "z", "end");
	gives(l, "/lib/x", "z", "lib");
	gives(l, "/root", "fs", "all");
	gives(l, "/root/fs", "top", "top");
	gives(l, "/root/fs/usr", "lib", "lib");
	gives(l, "/root/fs/lib", "x", "all");
	gives(l, "/a/b", "c", "end");
	gives(l, "/a/b/c", "d", "end");
	gives(l, "/a/b", "cd", "all");
	labeler_close(l);
}

/*
 * Two versions go by different lines of .subs, come to the same directory by .subs_dist,
 * and part again at one name in it.
 */
static void test_parting(void)
{
	struct labeler *l;
	struct dir dir = {.path = "/x"};

	place_clear(&place);
	place_text(&place, "file_contexts", "/.* all\n/r(/.*)? r\n/s(/.*)? s\n");
	place_text(&place, "file_contexts.subs", "/x /p\n/x /q\n");
	place_text(&place, "file_contexts.subs_dist", "/p/c /s\n/p /r\n/q /r\n");
	for (int v = 0; v < LABELER_VERSIONS; v++) {
		if (place_open_as(&place, &l, LABELER_MATCHER, (enum labeler_version)v,
			    &e) < 0 ||
			labeler_enter(l, NULL, dir.path, &dir.cursor, &e) < 0)
			errx(1, "%s", e.msg);
		wrong = 0;
		compare(l, &dir, "/x/b");
		compare(l, &dir, "/x/c");
		is_int(wrong, 0, "%s: lines that part below a directory",
			labeler_version_text((enum labeler_version)v));
		labeler_close(l);
	}
	wrong = 0;
}

/* An empty name in a key, which only a substitution can bring in: 3.11 looks past it. */
static void test_empty_names(void)
{
	struct labeler *l;
	struct dir dir = {.path = "/s"};
	struct dir below = {.path = "/s/z"};

	place_clear(&place);
	place_text(&place, "file_contexts",
		"/.* all\n/r1//z/.* deep\n/r1//[a-z]+ lit\n/r1/z/.* never\n");
	place_text(&place, "file_contexts.subs", "/s /r1/\n");
	for (int v = 0; v < LABELER_VERSIONS; v++) {
		if (place_open_as(&place, &l, LABELER_MATCHER, (enum labeler_version)v,
			    &e) < 0 ||
			labeler_enter(l, NULL, dir.path, &dir.cursor, &e) < 0 ||
			labeler_enter(l, &dir.cursor, below.path, &below.cursor, &e) < 0)
			errx(1, "%s", e.msg);
		wrong = 0;
		compare(l, &dir, "/s/z");
		compare(l, &below, "/s/z/q");
		is_int(wrong, 0, "%s: below an empty name",
			labeler_version_text((enum labeler_version)v));
		labeler_close(l);
	}
	wrong = 0;
}

/* States are dropped all the time: a cursor of an earlier epoch goes on working. */
static void test_epochs(void)
{
	struct labeler_source src = {
		.dirfd = place.fd, .base = "file_contexts", .shown = "POLICY"};
	struct labeler_cursor cursors[LIVE] = {{0}};
	struct policy policy = {0};
	struct matcher small = {0};
	struct labeler_cursor above = {0};
	struct labeler_result got, want;
	struct labeler *l;
	uint32_t first;
	char path[ROOM];
	struct dir dir;
	int differ = 0;

	place_clear(&place);
	make_rules();
	l = place_must_open(&place);
	if (policy_load(&policy, &src, &e) < 0 ||
		matcher_make(&small, &policy, LABELER_3_11, &e) < 0)
		errx(1, "%s", e.msg);
	small.automaton.bytes_max = 16384;
	first = small.automaton.epoch;
	for (int i = 0; i < STEPS; i++) {
		unsigned n = below(LIVE);

		if (i < LIVE)
			n = (unsigned)i;
		snprintf(dir.path, sizeof(dir.path), "/%s/%s", names[n % 5],
			names[n / 5 % 5]);
		/* By its path, or from the directory above, whose cursor is as old as may
		 * be. */
		snprintf(path, sizeof(path), "/%s", names[n % 5]);
		if ((i < LIVE || below(9) == 0) &&
			(matcher_enter(&small, NULL, path, &above, &e) < 0 ||
				matcher_lookup(&small, "/aa/aa/zz", 0, &got, &e) < 0 ||
				matcher_enter(&small, below(2) ? &above : NULL, dir.path,
					&cursors[n], &e) < 0))
			errx(1, "%s", e.msg);
		make_child(path, &dir);
		if (i < LIVE)
			continue;
		if (matcher_lookup_in(&small, &cursors[n], path, S_IFREG, &got, &e) < 0 ||
			labeler_lookup(l, path, S_IFREG, &want, &e) < 0)
			errx(1, "%s", e.msg);
		differ += got.answer != want.answer ||
			  (got.rule ? got.rule - policy.rules : -1) !=
				  (want.rule ? want.rule - labeler_rule_at(l, 0) : -1);
	}
	ok(small.answer_count <= small.automaton.count, "%zu answers for %zu states",
		small.answer_count, small.automaton.count);
	ok(small.automaton.epoch > first + 5, "states were dropped %u times",
		small.automaton.epoch - first);
	is_int(differ, 0, "no answer changed");
	matcher_free(&small);
	policy_free(&policy);
	labeler_close(l);
}

int main(void)
{
	place_make(&place);
	test_known();
	test_parting();
	test_empty_names();
	test_random();
	test_epochs();
	place_remove(&place);
	return done_testing();
}
