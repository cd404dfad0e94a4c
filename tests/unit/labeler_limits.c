/* SPDX-License-Identifier: MIT */
/*
 * Policies and paths that are made to take long or much memory: an answer that is right,
 * or an error that names a rule, in time and memory that are bounded.
 */
#include <stdint.h>
#include <sys/resource.h>

#include "common/buf.h"
#include "labeler/matcher.h"
#include "tests/unit/labeler_util.h"
#include "tests/unit/one_rule.h"

#define SECONDS_MAX 60 /* of processor time a test; they take a few at the most */

static struct place place;

static unsigned long long state = 0x9e3779b97f4a7c15u;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static double seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6 +
	       (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6;
}

static void in_time(double since, const char *what)
{
	double took = seconds() - since;

	ok(took < SECONDS_MAX, "%s: %.2f s", what, took);
}

/* '/' and len times c, and an end. */
static char *long_path(char c, size_t len, const char *end)
{
	char *path = malloc(len + strlen(end) + 2);

	if (!path)
		err(1, "malloc");
	path[0] = '/';
	memset(path + 1, c, len);
	strcpy(path + 1 + len, end);
	return path;
}

/* The error says which rule's fault it is. */
static void test_catastrophe(void)
{
	char *path = long_path('a', 40, "cb");
	double since = seconds();
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	place_text(&place, "file_contexts",
		"/.* all\n/(?=a)(a+)+b bad\n/(?=b).* good\n/.*d top\n");
	l = place_must_open(&place);
	is_int(look_up(l, path, S_IFREG, &r, &e), -1, "backtracking without end");
	is_int(e.code, ERR_INPUT, "is the policy's fault");
	ok(strstr(e.msg,
		   "POLICY/file_contexts:2: the expression '/(?=a)(a+)+b' takes too "
		   "many steps") == e.msg,
		"its message: %s", e.msg);
	ok(strstr(e.msg, "aaacb"), "and on which path");
	is_int(look_up(l, "/aaab", S_IFREG, &r, &e), LABELER_LABEL, "elsewhere it works");
	is_str(r->context, "bad", "and matches");
	is_int(look_up(l, "/b", S_IFREG, &r, &e), LABELER_LABEL, "as others do");
	is_str(r->context, "good", "and others match");
	labeler_close(l);
	in_time(since, "and all of it ends");
	free(path);
}

/* What is exponential for PCRE2 and regular is none for us. */
static void test_regular_catastrophe(void)
{
	char *path = long_path('a', 5000, "c");
	double since = seconds();
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	place_text(&place, "file_contexts",
		"/(a+)+b one\n/(a|a)*(a|aa)+c two\n/((a*)*)*b three\n");
	l = place_must_open(&place);
	is_int(look_up(l, path, S_IFREG, &r, &e), LABELER_LABEL, "a true answer");
	is_str(r->context, "two", "by the rule that matches");
	labeler_close(l);
	in_time(since, "at once");
	free(path);
}

/* A matcher whose states may take little memory, so that they are often dropped. */
struct small {
	struct policy policy;
	struct matcher m;
};

static void small_make(struct small *s, size_t bytes)
{
	const struct labeler_source src = {
		.dirfd = place.fd, .base = "file_contexts", .shown = "POLICY"};
	struct err e = {0};

	*s = (struct small){0};
	if (policy_load(&s->policy, &src, &e) < 0 ||
		matcher_make(&s->m, &s->policy, LABELER_3_11, &e) < 0)
		errx(1, "%s", e.msg);
	s->m.automaton.bytes_max = bytes;
}

static void small_free(struct small *s)
{
	matcher_free(&s->m);
	policy_free(&s->policy);
}

static void random_path(char *path, size_t size)
{
	static const char bytes[] = "aaabbbb/";
	size_t len = 1 + below((unsigned)size - 2);

	path[0] = '/';
	for (size_t i = 1; i <= len; i++)
		path[i] = bytes[below(sizeof(bytes) - 1)];
	path[len + 1] = '\0';
	if (below(4) == 0 && len + 2 < size)
		strcat(path, "\n");
	one_rule_clean(path);
}

/* 2^14 states and more, of which a few hundred are kept at a time. */
static void test_flushes(void)
{
	static const char regex[] = "/.*a[ab/]{13}";
	const size_t bytes = 200000;
	double since = seconds();
	struct one_rule rule;
	struct small s;
	size_t most = 0;
	int wrong = 0;

	place_text(&place, "file_contexts", "/.*a[ab/]{13} c\n");
	small_make(&s, bytes);
	one_rule_begin(&rule, regex);
	for (int i = 0; i < 3000; i++) {
		struct labeler_result r;
		struct err e = {0};
		char path[64];

		random_path(path, sizeof(path));
		if (matcher_lookup(&s.m, path, S_IFREG, &r, &e) < 0)
			errx(1, "%s", e.msg);
		wrong += (r.answer == LABELER_LABEL) !=
			 (one_rule_says(&rule, LABELER_3_11, path) == SAID_YES);
		if (automaton_bytes(&s.m.automaton) > most)
			most = automaton_bytes(&s.m.automaton);
	}
	is_int(wrong, 0, "answers that differ, with states dropped now and then");
	ok(s.m.automaton.epoch > 10, "dropped %u times", s.m.automaton.epoch);
	ok(most < bytes * 2, "%zu bytes of states at the most", most);
	one_rule_end(&rule);
	small_free(&s);
	in_time(since, "states dropped");
}

/* Cursors go on working when states are dropped. */
static void test_cursors(void)
{
	struct labeler_cursor root, dir;
	struct labeler_result r;
	struct small s;
	struct err e = {0};
	int wrong = 0;

	place_text(
		&place, "file_contexts", "/.*a[ab/]{13} c\n/d/e/.*x x\n/d/e/[^/]* y\n");
	small_make(&s, 200000);
	if (matcher_enter(&s.m, NULL, "/", &root, &e) < 0 ||
		matcher_enter(&s.m, &root, "/d", &dir, &e) < 0 ||
		matcher_enter(&s.m, &dir, "/d/e", &dir, &e) < 0)
		errx(1, "%s", e.msg);
	for (int i = 0; i < 1000; i++) {
		const char *name = i % 2 ? "/d/e/x" : "/d/e/f";
		char path[64];

		random_path(path, sizeof(path));
		if (matcher_lookup(&s.m, path, 0, &r, &e) < 0 ||
			matcher_lookup_in(&s.m, &dir, name, 0, &r, &e) < 0)
			errx(1, "%s", e.msg);
		wrong += !r.rule || strcmp(r.rule->context, i % 2 ? "x" : "y") != 0;
	}
	wrong -= 500; /* the later rule wins */
	is_int(wrong, 0, "answers below a cursor that differ");
	ok(s.m.automaton.epoch > 3, "dropped %u times", s.m.automaton.epoch);
	small_free(&s);
}

/* A key that ends in a newline needs two states at once. */
static void test_newlines(void)
{
	static const char regex[] = "/.*a[ab]{13}";
	struct one_rule rule;
	struct small s;
	char path[600];
	int wrong = 0;

	place_text(&place, "file_contexts", "/.*a[ab]{13} c\n");
	one_rule_begin(&rule, regex);
	for (unsigned len = 20; len < 400; len++) {
		struct labeler_result r;
		struct err e = {0};

		small_make(&s, 40000);
		for (int times = 0; times < 3; times++) {
			path[0] = '/';
			for (unsigned i = 1; i < len; i++)
				path[i] = "ab"[below(2)];
			strcpy(path + len, "\n");
			if (matcher_lookup(&s.m, path, 0, &r, &e) < 0)
				errx(1, "%s", e.msg);
			wrong += (r.answer == LABELER_LABEL) !=
				 (one_rule_says(&rule, LABELER_3_11, path) == SAID_YES);
		}
		small_free(&s);
	}
	is_int(wrong, 0, "answers for newlines that differ, with states dropped");
	one_rule_end(&rule);
}

/* BEFORE number BEHIND, with a context that has the number too. */
static void write_rules(unsigned count, const char *before, const char *behind)
{
	struct buf text = {0};

	for (unsigned i = 0; i < count; i++) {
		char rule[128];

		snprintf(rule, sizeof(rule), "%s%u%s c%u\n", before, i, behind, i);
		if (buf_adds(&text, rule) < 0)
			err(1, "buf_adds");
	}
	place_write(&place, "file_contexts", text.data, text.len);
	buf_free(&text);
}

static void test_many_rules(void)
{
	double since = seconds();
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	write_rules(50000, "/d", "/[^/]*x?(/.*)?");
	l = place_must_open(&place);
	is_int(labeler_rule_count(l), 50000, "50,000 rules");
	is_int(look_up(l, "/d49999/fx/y", S_IFREG, &r, &e), LABELER_LABEL, "the last");
	is_str(r->context, "c49999", "matches");
	is_int(look_up(l, "/d0/f", S_IFREG, &r, &e), LABELER_LABEL, "the first");
	is_str(r->context, "c0", "matches");
	is_int(look_up(l, "/d50000/f", S_IFREG, &r, &e), LABELER_UNMATCHED, "none");
	labeler_close(l);
	in_time(since, "50,000 rules");
}

/* A path at each of whose names a state is new, with all the rules in it. */
static void test_step_limit(struct labeler *l)
{
	const struct labeler_rule *r;
	struct buf path = {0};
	struct err e;
	int got;

	for (unsigned i = 0; i < 4000; i++)
		if (buf_addf(&path, "/a%u", i * 7) < 0)
			err(1, "buf_addf");
	got = look_up(l, path.data, S_IFREG, &r, &e);
	ok(got == -1 && e.code == ERR_INPUT && strstr(e.msg, "at POLICY/file_contexts:"),
		"what takes too many steps names a rule: %s", got < 0 ? e.msg : "");
	is_int(look_up(l, "/a1b", S_IFREG, &r, &e), LABELER_LABEL, "others are fine");
	buf_free(&path);
}

/* Rules that are all under way at any byte of any path. */
static void test_many_stars(void)
{
	double since = seconds();
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;
	int failed = 0;

	write_rules(50000, "/.*a", ".*b");
	l = place_must_open(&place);
	for (int i = 0; i < 10; i++) {
		char path[64];
		int got;

		snprintf(path, sizeof(path), "/x/a%uq/a%db", below(10), 49980 + i);
		got = look_up(l, path, S_IFREG, &r, &e);
		failed += got < 0;
		if (got < 0)
			ok(strstr(e.msg, "POLICY/file_contexts:"), "its message: %s",
				e.msg);
		else if (!r || r->line != 49981u + (unsigned)i)
			ok(false, "%s: the wrong rule", path);
	}
	ok(failed == 0 || failed == 10, "%d of 10 look-ups failed", failed);
	test_step_limit(l);
	labeler_close(l);
	in_time(since, "50,000 rules of stars");
}

static void test_long_paths(void)
{
	static const char *const ends[] = {"", "/x", "b", "\n"};
	double since = seconds();
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;
	int wrong = 0;

	place_text(&place, "file_contexts", "/.* all\n/a*(/.*)? a\n/.*b b\n/s/.* s\n");
	place_text(&place, "file_contexts.subs", "/s /aaa\n");
	l = place_must_open(&place);
	for (size_t len = 1000; len <= 4000000; len *= 20) {
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			char *path = long_path('a', len, ends[i]);
			int got = look_up(l, path, S_IFREG, &r, &e);

			wrong += got != LABELER_LABEL ||
				 strcmp(r->context, i == 2 ? "b" : "a") != 0;
			free(path);
		}
	}
	is_int(wrong, 0, "wrong answers for long paths");
	labeler_close(l);
	place_clear(&place);
	in_time(since, "long paths");
}

/* Nested repetitions multiply: they go to PCRE2, or are refused with the rule's name. */
static void test_large_expressions(void)
{
	static const char *const large[] = {"/(a{100}){100}", "/((a?){90}){90}",
		"/(((a|b){30}){30}){30}", "/(a{0,900}){0,60}",
		"/((((((((((a{3}){3}){3}){3}){3}){3}){3}){3}){3}){3})"};
	double since = seconds();

	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		const struct labeler_rule *r;
		struct labeler *l;
		char text[128];
		struct err e;

		snprintf(text, sizeof(text), "/x x\n%s c\n", large[i]);
		place_text(&place, "file_contexts", text);
		if (place_open(&place, &l, false, &e) < 0) {
			ok(strstr(e.msg, "POLICY/file_contexts:2:") == e.msg, "'%s': %s",
				large[i], e.msg);
			continue;
		}
		is_int(look_up(l, "/x", 0, &r, &e), LABELER_LABEL, "'%s' is kept",
			large[i]);
		ok(look_up(l, "/aaaaaaaaaaaaaaaaaaaaaaaa", 0, &r, &e) >= 0 ||
				strstr(e.msg, "POLICY/file_contexts:2:") == e.msg,
			"'%s' is asked", large[i]);
		labeler_close(l);
	}
	in_time(since, "large expressions");
}

static FILE *fopen_policy(const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", place.dir, name);
	f = fopen(path, "we");
	if (!f)
		err(1, "%s", path);
	return f;
}

/* What PCRE2 finds too large, though it stands for next to nothing. */
static void test_repeated_nothing(void)
{
	static const char *const rules[] = {"/a(){60000} c\n",
		"/(((((((a))))))){1490} c\n", "/a(b|||||||||){9000} c\n"};
	struct labeler *l;
	struct err e;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		place_text(&place, "file_contexts", rules[i]);
		is_int(place_open(&place, &l, false, &e), -1, "%.20s", rules[i]);
		ok(strstr(e.msg, "POLICY/file_contexts:1:") == e.msg &&
				strstr(e.msg, "too large"),
			"its message: %s", e.msg);
	}
}

/* Many expressions that only PCRE2 can match share the steps of one look-up. */
static void test_shared_steps(void)
{
	FILE *f = fopen_policy("file_contexts");
	const struct labeler_rule *r;
	struct labeler *l;
	struct err e;

	for (int i = 0; i < 2000; i++)
		fprintf(f, "/(a|a)*[bc%c]\\b c%d\n", 'd' + i % 20, i);
	fclose(f);
	l = place_must_open(&place);
	is_int(look_up(l, "/aaaaaaaaaaaaaaaaaaaa", S_IFREG, &r, &e), -1,
		"too many steps");
	ok(strstr(e.msg, "takes too many steps"), "its message: %s", e.msg);
	is_int(look_up(l, "/aab", S_IFREG, &r, &e), LABELER_LABEL, "a harmless path");
	is_str(r->context, "c1999", "has its label");
	labeler_close(l);
}

/* 3.11 fails on longer ones; exact paths are no expressions. */
static void test_long_expressions(void)
{
	static const struct {
		enum labeler_version version;
		size_t len;
		const char *end;
		int rc;
	} cases[] = {
		{LABELER_3_11, 4095, "?", 0},
		{LABELER_3_11, 4096, "?", -1},
		{LABELER_3_11, 4096, "x", 0},
		{LABELER_3_8, 4096, "?", 0},
		{LABELER_3_4, 4096, "?", 0},
	};
	struct labeler *l;
	struct err e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *f = fopen_policy("file_contexts");

		fprintf(f, "/%0*d%s c\n", (int)cases[i].len - 2, 0, cases[i].end);
		fclose(f);
		is_int(place_open_as(&place, &l, LABELER_MATCHER, cases[i].version, &e),
			cases[i].rc, "%s: %zu bytes to '%s'",
			labeler_version_text(cases[i].version), cases[i].len,
			cases[i].end);
		labeler_close(l);
	}
}

static void test_many_subs(void)
{
	FILE *f = fopen_policy("file_contexts.subs");
	struct labeler *l;
	struct err e;

	place_text(&place, "file_contexts", "/a c\n");
	for (int i = 0; i < 10001; i++)
		fprintf(f, "# not counted\n/s%d /a\n", i);
	fclose(f);
	is_int(place_open(&place, &l, false, &e), -1, "10,001 substitutions");
	is_str(e.msg, "POLICY/file_contexts.subs:20002: more than 10000 substitutions",
		"its message");
	place_clear(&place);
}

int main(void)
{
	place_make(&place);
	test_catastrophe();
	test_regular_catastrophe();
	test_flushes();
	test_cursors();
	test_newlines();
	test_many_rules();
	test_many_stars();
	test_long_paths();
	test_large_expressions();
	test_repeated_nothing();
	test_shared_steps();
	test_long_expressions();
	test_many_subs();
	place_remove(&place);
	return done_testing();
}
