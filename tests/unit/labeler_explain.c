/* SPDX-License-Identifier: MIT */
/* Why a path gets its label: verdicts, substitutions, versions. */
#include "tests/unit/labeler_util.h"

static struct place place;
static struct err e;

static const char policy[] = "/.* all\n"                   /* 1 */
			     "/etc(/.*)? etc\n"            /* 2 */
			     "/etc/shadow -- first\n"      /* 3 */
			     "/etc/shadow any\n"           /* 4 */
			     "/etc/s.* -d dirs\n"          /* 5 */
			     "/etc/sh.* expression\n"      /* 6 */
			     "/srv/a/b(/.*)? <<none>>\n"   /* 7 */
			     "/srv/a/b/c.* deep\n"         /* 8 */
			     "/(srv|run)/a/b/.* shallow\n" /* 9 */
			     "(/t/u/x|/w/y) gated\n";      /* 10 */

struct expected {
	unsigned line;
	enum labeler_verdict verdict;
};

static struct labeler *open_as(enum labeler_version v)
{
	struct labeler *l;

	if (place_open_as(&place, &l, LABELER_MATCHER, v, &e) < 0)
		errx(1, "%s", e.msg);
	return l;
}

static void explains(enum labeler_version v, const char *path, mode_t mode,
	const struct expected *want, size_t count)
{
	struct labeler *l = open_as(v);
	struct labeler_explanation x;
	const char *name = labeler_version_text(v);

	is_int(labeler_explain(l, path, mode, &x, &e), 0, "%s: %s", name, path);
	is_int(x.match_count, count, "%s: %s: rules", name, path);
	for (size_t i = 0; i < count && i < x.match_count; i++) {
		is_int(x.matches[i].rule->line, want[i].line, "%s: line %u", name,
			want[i].line);
		is_int(x.matches[i].verdict, want[i].verdict, "%s: verdict on it", name);
	}
	labeler_explanation_free(&x);
	labeler_explanation_free(&x);
	labeler_close(l);
}

#define EXPLAINS(v, path, mode, ...)                                                     \
	do {                                                                             \
		static const struct expected want_[] = {__VA_ARGS__};                    \
		explains(v, path, mode, want_, sizeof(want_) / sizeof(want_[0]));        \
	} while (0)

static void test_verdicts(void)
{
	EXPLAINS(LABELER_3_11, "/etc/x", S_IFREG, {2, LABELER_WINS},
		{1, LABELER_OVERRULED});
	EXPLAINS(LABELER_3_11, "/etc/sx", S_IFREG, {2, LABELER_WINS},
		{5, LABELER_OTHER_TYPE}, {1, LABELER_OVERRULED});
	EXPLAINS(LABELER_3_11, "/etc/shadow", S_IFREG, {3, LABELER_WINS},
		{6, LABELER_INEXACT}, {5, LABELER_OTHER_TYPE}, {4, LABELER_EXACT_TWIN},
		{2, LABELER_INEXACT}, {1, LABELER_INEXACT});
	EXPLAINS(LABELER_3_8, "/etc/shadow", S_IFREG, {3, LABELER_WINS},
		{6, LABELER_INEXACT}, {5, LABELER_OTHER_TYPE}, {4, LABELER_EXACT_TWIN},
		{2, LABELER_INEXACT}, {1, LABELER_INEXACT});
	EXPLAINS(LABELER_3_4, "/etc/shadow", S_IFDIR, {4, LABELER_WINS},
		{6, LABELER_INEXACT}, {5, LABELER_INEXACT}, {3, LABELER_OTHER_TYPE},
		{2, LABELER_INEXACT}, {1, LABELER_INEXACT});
	/* <<none>> in the deepest stem ends the search before the later rule is asked. */
	EXPLAINS(LABELER_3_8, "/srv/a/b/x", S_IFREG, {7, LABELER_WINS},
		{9, LABELER_NOT_ASKED}, {1, LABELER_OVERRULED});
	EXPLAINS(LABELER_3_4, "/srv/a/b/x", S_IFREG, {9, LABELER_WINS},
		{7, LABELER_OVERRULED}, {1, LABELER_OVERRULED});
	/* Its stem is /t/u/ since 3.8, and none in 3.4. */
	EXPLAINS(
		LABELER_3_4, "/w/y", S_IFREG, {10, LABELER_WINS}, {1, LABELER_OVERRULED});
	EXPLAINS(LABELER_3_11, "/w/y", S_IFREG, {1, LABELER_WINS},
		{10, LABELER_NOT_ASKED});
}

static void test_versions(void)
{
	struct labeler *l = open_as(LABELER_3_4);
	struct labeler_explanation x;
	struct labeler_result r;

	if (labeler_explain(l, "/srv/a/b/x", S_IFREG, &x, &e) < 0 ||
		labeler_lookup(l, "/srv/a/b/x", S_IFREG, &r, &e) < 0)
		errx(1, "%s", e.msg);
	ok(x.versions_known, "all versions are asked");
	is_int(x.versions[LABELER_3_4].answer, LABELER_LABEL, "3.4: a label");
	is_int(x.versions[LABELER_3_8].answer, LABELER_EXCLUDED, "3.8: none");
	is_int(x.versions[LABELER_3_8].rule->line, 7, "by that line");
	is_int(x.result.differs, r.differs, "as a look-up says");
	ok(r.differs & 1u << LABELER_3_8, "3.8 differs");
	ok(!(r.differs & 1u << LABELER_3_4), "the version itself does not");
	labeler_explanation_free(&x);
	is_int(labeler_explain(l, "etc", S_IFREG, &x, &e), -1, "no absolute path");
	labeler_explanation_free(&x);
	labeler_close(l);
}

static void test_substitutions(void)
{
	struct labeler *l;
	struct labeler_explanation x;

	place_text(&place, "file_contexts.subs", "# first\n\n/mine /other\n");
	place_text(&place, "file_contexts.subs_dist", "/unused /x\n/other /etc\n");
	l = open_as(LABELER_3_11);
	if (labeler_explain(l, "/mine//shadow/", S_IFREG, &x, &e) < 0)
		errx(1, "%s", e.msg);
	is_str(x.key, "/etc/shadow", "the key");
	is_int(x.sub_count, 2, "two substitutions");
	is_str(x.subs[0].file, "POLICY/file_contexts.subs", "the first one's file");
	is_int(x.subs[0].line, 3, "its line");
	is_str(x.subs[0].from, "/mine", "from");
	is_str(x.subs[0].to, "/other", "to");
	is_str(x.subs[1].file, "POLICY/file_contexts.subs_dist", "the second one's file");
	is_int(x.subs[1].line, 2, "its line");
	is_int(x.result.rule->line, 3, "the rule of the key");
	labeler_explanation_free(&x);
	if (labeler_explain(l, "/etc/x", S_IFREG, &x, &e) < 0)
		errx(1, "%s", e.msg);
	is_int(x.sub_count, 0, "a path that none is for");
	is_str(x.key, "/etc/x", "is its own key");
	labeler_explanation_free(&x);
	labeler_close(l);
	unlinkat(place.fd, "file_contexts.subs", 0);
	unlinkat(place.fd, "file_contexts.subs_dist", 0);
}

/* A bit for each rule, by its line. */
static void note(void *arg, const struct labeler_rule *r)
{
	*(unsigned *)arg |= 1u << r->line;
}

static void test_each(enum labeler_engine engine, enum labeler_version v)
{
	static const char *const paths[] = {"/", "/etc", "/etc/shadow", "/etc/sx",
		"/srv/a/b", "/srv/a/b/cx", "/srv/a/b/x", "/run/a/b/x", "/etc/\n"};
	static const mode_t modes[] = {0, S_IFREG, S_IFDIR, S_IFLNK};
	struct labeler *l;
	int wrong = 0, unequal = 0;

	if (place_open_as(&place, &l, engine, v, &e) < 0)
		errx(1, "%s", e.msg);
	for (size_t i = 0; i < 9 * 4; i++) {
		struct labeler_explanation x;
		struct labeler_result r;
		unsigned got = 0, want = 0;

		if (labeler_explain(l, paths[i / 4], modes[i % 4], &x, &e) < 0 ||
			labeler_lookup(l, paths[i / 4], modes[i % 4], &r, &e) < 0 ||
			labeler_each_match(
				l, paths[i / 4], modes[i % 4], note, &got, &e) < 0)
			errx(1, "%s", e.msg);
		for (size_t k = 0; k < x.match_count; k++) {
			const struct labeler_match *m = &x.matches[k];

			if (m->verdict != LABELER_OTHER_TYPE)
				want |= 1u << m->rule->line;
			unequal += (m->verdict == LABELER_WINS) != (m->rule == r.rule);
		}
		unequal += x.result.rule != r.rule || x.result.differs != r.differs ||
			   (r.rule && (!x.match_count || x.matches[0].rule != r.rule));
		wrong += got != want;
		labeler_explanation_free(&x);
	}
	is_int(wrong, 0, "engine %d, %s: each match is one that is explained", engine,
		labeler_version_text(v));
	is_int(unequal, 0, "and the winner is the look-up's");
	labeler_close(l);
}

static void test_catch_all(void)
{
	static const struct {
		const char *regex;
		mode_t type;
		bool is;
	} rules[] = {
		{"/.*", 0, true},
		{"(/.*)?", 0, true},
		{".*", 0, true},
		{"/.*", S_IFREG, false},
		{"/.+", 0, false},
		{"/[^/]*", 0, false},
		{"/a.*", 0, false},
		{"/\\.*", 0, false},
		{"/", 0, false},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct labeler_rule r = {.regex = rules[i].regex, .type = rules[i].type};

		is_int(labeler_is_catch_all(&r), rules[i].is, "catch-all: '%s', type %o",
			r.regex, r.type);
	}
}

int main(void)
{
	place_make(&place);
	place_text(&place, "file_contexts", policy);
	test_verdicts();
	test_versions();
	test_substitutions();
	for (int v = 0; v < LABELER_VERSIONS; v++)
		test_each(LABELER_MATCHER, (enum labeler_version)v);
	test_each(LABELER_LIBSELINUX, LABELER_3_11);
	test_catch_all();
	place_remove(&place);
	return done_testing();
}
