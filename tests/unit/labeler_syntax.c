/* SPDX-License-Identifier: MIT */
/*
 * Expressions: which of them our own parser takes and which PCRE2 has to match, and that
 * either way the answers are those of PCRE2 for all short strings.
 */
#include "labeler/syntax.h"
#include "tests/unit/labeler_util.h"
#include "tests/unit/one_rule.h"

#define LENGTH_MAX 4 /* bytes of a string behind the first '/' */

struct expression_test {
	const char *regex;
	const char *bytes; /* the strings are made of these */
};

/* What a policy has, and what is near it. */
static const struct expression_test regular[] = {
	{"/a", "a/b"},
	{"/a.b", "ab\n/"},
	{"/a\\.b\\+", "a.b+x"},
	{"/a\\-\\_\\,\\@\\~", "a-_,@"},
	{"/a(/.*)?", "a/bc"},
	{"/a/.*", "a/b\n"},
	{"/a/.+", "a/b\n"},
	{"/.*", "ab/\n"},
	{"/a*b", "abc"},
	{"/a+b", "abc"},
	{"/a?b", "abc"},
	{"/a*?b+?c??", "abc"},
	{"/a{2}", "ab"},
	{"/a{0}b", "ab"},
	{"/a{1}", "ab"},
	{"/a{2,}", "ab"},
	{"/a{0,2}b", "ab"},
	{"/a{1,3}?b", "ab"},
	{"/(ab){2}", "ab"},
	{"/(a|b){1,2}c", "abc"},
	{"/(a?b?){2}", "abc"},
	{"/(a*){2,}b", "ab"},
	{"/(a*)*b", "ab"},
	{"/(a|)+b", "ab"},
	{"/((a|b)c)*", "abc"},
	{"/(?:a|bc)d?", "abcd"},
	{"/(a|b|)", "abc"},
	{"/(|a)b", "ab"},
	{"/()a", "ab"},
	{"/(a(b(c)?)?)?", "abc"},
	{"/(a/b|c)/a", "abc/"},
	{"/a{b}{}{,}", "a{b},"},
	{"/a{", "a{1"},
	{"/a{1", "a{1"},
	{"/a{1,b}", "a{1,b"},
	{"/{a}", "{a}"},
	{"/]a}", "]a}"},
	{"/[ab]c", "abcd"},
	{"/[^ab]", "ab/\n"},
	{"/[^/]+", "a/\n"},
	{"/[^/]*/a", "a/b"},
	{"/[a-c]*", "abd-"},
	{"/[]a]", "]a["},
	{"/[^]a]", "]a["},
	{"/[a-]", "a-b"},
	{"/[-a]", "a-b"},
	{"/[^-a]", "a-b"},
	{"/[a\\]b]", "a]b\\"},
	{"/[\\\\a]", "a\\b"},
	{"/[\\d]", "0a9"},
	{"/[\\d-]", "1-z"},
	{"/[^\\w/]", "a_/-"},
	{"/[a\\sb]", "ab c"},
	{"/[*+?$(|){}.]", ".*$a"},
	{"/[a^]", "a^b"},
	{"/[&-,]", "&*,-"},
	{"/[[a]", "[ab"},
	{"/\\d\\D", "0a/"},
	{"/\\w\\W", "a_-"},
	{"/\\s\\S", "a \n"},
	{"(/a)?/b", "ab/"},
	{"(/a|/b)/c", "abc/"},
	{"[/]a", "a/"},
	{".a", "a/"},
	{".*a", "a/b"},
	{"/\\$\\^\\|", "$^|"},
	{"/a//b", "a/b"},
	{"/a/*b", "a/b"},
	{"/a/?b", "a/b"},
	{"/a/b/?c", "abc/"},
	{"/a/b?/c", "abc/"},
	{"/#a", "#a"},
};

/* What PCRE2 has to match. */
static const struct expression_test other[] = {
	{"/a|/b", "ab/"},
	{"/a/b|c", "abc/"},
	{"|/a", "ab/"},
	{"/a$", "a\n$"},
	{"/a$b", "ab$"},
	{"^/a", "ab^"},
	{"/^a", "ab^"},
	{"/a*+a", "ab"},
	{"/a++b", "ab"},
	{"/a?+a", "ab"},
	{"/(?=a).*", "ab/"},
	{"/(?!a).*", "ab/"},
	{"/.(?<=a).*", "ab/"},
	{"/.(?<!a).*", "ab/"},
	{"/(a|b)\\1", "ab"},
	{"/(?<n>a)\\k<n>", "ab"},
	{"/(?>a|ab)c", "abc"},
	{"/(?i)a", "aAb"},
	{"/(?i:a)b", "aABb"},
	{"/(?x)a", "ab"},
	{"/(?-s).", "a\n"},
	{"/(?#x)a", "ab"},
	{"/(?|(a)|(b))\\1", "ab"},
	{"/(a(?1)?b)", "ab"},
	{"/a\\b.*", "a.b"},
	{"/a\\B.*", "a.b"},
	{"/\\Aa", "ab"},
	{"/a\\z", "a\n"},
	{"/a\\Z", "a\n"},
	{"/a\\Kb", "ab"},
	{"/\\Qa.\\E", "a.b"},
	{"/\\Q/a", "a/b"},
	{"/a\\Q/b\\E", "a/b\\"},
	{"/\\x61", "ab"},
	{"/\\x{61}", "ab"},
	{"/\\141", "ab"},
	{"/\\o{141}", "ab"},
	{"/\\n", "a\n"},
	{"/\\e\\a\\t", "\033\a\t"},
	{"/\\cA", "\001A"},
	{"/\\h\\H", "a \t"},
	{"/\\v\\V", "a\n\v"},
	{"/\\R", "a\n\r"},
	{"/\\N", "a\n"},
	{"/\\C", "a\n"},
	{"/[[:alpha:]]", "a1["},
	{"/[[:^digit:]a]", "a1["},
	{"/[\\n-a]", "a\n-"},
	{"/[\\Qa]\\E]", "a]Q"},
	{"/[.*]", ".*a"}, /* might begin [.name.] */
	{"/a(*ACCEPT)b", "ab"},
	{"/a(*SKIP)b|ac", "abc"},
};

static struct place place;

static bool is_regular(const char *regex, bool comma)
{
	struct nfa n = {0};
	uint32_t start;
	enum syntax_answer got = syntax_parse(&n, regex, strlen(regex), comma, &start);

	nfa_free(&n);
	if (got == SYNTAX_ERROR)
		errx(1, "out of memory");
	return got == SYNTAX_REGULAR;
}

/* Strings of the bytes, counted through: the next one, false behind the last. */
static bool next_string(char *s, const char *bytes)
{
	size_t len = strlen(s);

	for (size_t i = len; i > 0; i--) {
		const char *at = strchr(bytes, s[i - 1]);

		if (at[1]) {
			s[i - 1] = at[1];
			return true;
		}
		s[i - 1] = bytes[0];
	}
	if (len == LENGTH_MAX)
		return false;
	s[len] = bytes[0];
	s[len + 1] = '\0';
	return true;
}

static bool agrees(struct labeler *l, const struct one_rule *rule, const char *path)
{
	struct labeler_explanation x;
	struct err e = {0};
	bool good = true;

	if (labeler_explain(l, path, S_IFREG, &x, &e) < 0)
		errx(1, "%s", e.msg);
	for (int v = 0; v < LABELER_VERSIONS; v++) {
		bool got = x.versions[v].answer == LABELER_LABEL;
		enum said want = one_rule_says(rule, (enum labeler_version)v, path);

		if (want == SAID_NOTHING ||
			!one_rule_same_pcre(rule->regex, (enum labeler_version)v) ||
			got == (want == SAID_YES))
			continue;
		printf("# %s: '%s' in %s: %d, PCRE2 has %d\n", path, rule->regex,
			labeler_version_text((enum labeler_version)v), got,
			want == SAID_YES);
		good = false;
	}
	labeler_explanation_free(&x);
	return good;
}

static struct labeler *open_rule(const char *regex)
{
	char text[512];

	snprintf(text, sizeof(text), "%s c\n", regex);
	place_text(&place, "file_contexts", text);
	return place_must_open(&place);
}

static void test_strings(const struct expression_test *t)
{
	struct labeler *l = open_rule(t->regex);
	struct one_rule rule;
	char path[LENGTH_MAX + 2] = "/";
	int wrong = 0;

	one_rule_begin(&rule, t->regex);
	if (!rule.code)
		errx(1, "%s is no expression", t->regex);
	do {
		char clean[LENGTH_MAX + 2];

		strcpy(clean, path);
		one_rule_clean(clean);
		if (strcmp(clean, path) == 0)
			wrong += !agrees(l, &rule, path);
	} while (next_string(path + 1, t->bytes));
	is_int(wrong, 0, "'%s': answers that differ", t->regex);
	one_rule_end(&rule);
	labeler_close(l);
}

static void test_taken(void)
{
	char text[SYNTAX_TEXT_MAX + 8];

	ok(is_regular("/a{,2}", true), "{,2} is a quantifier of later PCRE2");
	ok(is_regular("/a{,2}", false), "and text of earlier ones");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ok(!is_regular(text, true), "not too long an expression");
	ok(!is_regular("/(a{999}){999}", true), "nor one of too many parts");
	ok(!is_regular("/((a?){99}){99}", true), "nor of too many ways");
	ok(!is_regular("/(a", true) && !is_regular("/a)", true) &&
			!is_regular("/(*)", true) && !is_regular("*", true) &&
			!is_regular("/a**", true) && !is_regular("/[a", true) &&
			!is_regular("/[b-a]", true) && !is_regular("/[\\d-z]", true) &&
			!is_regular("/a\\", true) && !is_regular("/a{2,1}", true) &&
			!is_regular("/a{65536}", true) && !is_regular("/(?", true),
		"nothing that PCRE2 refuses");
}

/* Parts that make an expression, most of them regular. */
static const char *const parts[] = {"a", "b", "/", ".", ".*", "a*", "b+", "a?", "(a|b)",
	"(ab)?", "(a|ba)*", "[ab]", "[^a]", "[^/]+", "(/.*)?", "(/a)?", "a{2}",
	"(b|){1,2}", "\\.", "\\w", "(", "|", ")", "b*?", "(a*b)+", "/a", "/b/", "\\-",
	"[.]", "a*+", "(?=b)", "\\b"};

static unsigned long long state = 0x9e3779b97f4a7c15u;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static void random_regex(char *out)
{
	unsigned count = 1 + below(6);

	strcpy(out, below(10) ? "/" : "");
	for (unsigned i = 0; i < count; i++)
		strcat(out, parts[below(sizeof(parts) / sizeof(parts[0]))]);
}

static void random_path(char *out)
{
	static const char bytes[] = "aaabbb//.-\n";
	unsigned len = below(7);

	*out++ = '/';
	while (len--)
		*out++ = bytes[below(sizeof(bytes) - 1)];
	*out = '\0';
}

static void test_random(void)
{
	int wrong = 0, tried = 0;

	for (int i = 0; i < 600; i++) {
		struct one_rule rule;
		char regex[128];

		random_regex(regex);
		one_rule_begin(&rule, regex);
		if (rule.code) {
			struct labeler *l = open_rule(regex);

			tried++;
			for (int k = 0; k < 40; k++) {
				char path[16];

				random_path(path);
				one_rule_clean(path);
				wrong += !agrees(l, &rule, path);
			}
			labeler_close(l);
		}
		one_rule_end(&rule);
	}
	ok(tried > 300, "%d expressions", tried);
	is_int(wrong, 0, "answers that differ");
}

int main(void)
{
	place_make(&place);
	for (size_t i = 0; i < sizeof(regular) / sizeof(regular[0]); i++) {
		ok(is_regular(regular[i].regex, true), "'%s' is ours", regular[i].regex);
		test_strings(&regular[i]);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		ok(!is_regular(other[i].regex, true), "'%s' is PCRE2's", other[i].regex);
		test_strings(&other[i]);
	}
	test_taken();
	test_random();
	place_remove(&place);
	return done_testing();
}
