/* SPDX-License-Identifier: MIT */
/*
 * Each difference between libselinux 3.4, 3.8.1 and 3.11 (and the PCRE2 that Debian ships
 * beside them), with what those libraries answered. All versions are asked of one build.
 */
#include "common/quote.h"
#include "tests/unit/labeler_util.h"

#define ASKS 9

struct scene {
	const char *what;
	const char *base, *homedirs, *local, *dist, *subs;
	/* What 3.4, 3.8 and 3.11 give: a context, "-" where no rule matches. */
	struct {
		const char *path;
		mode_t mode;
		const char *want[LABELER_VERSIONS];
	} asks[ASKS];
};

#define REG S_IFREG
#define DIR S_IFDIR

static const struct scene scenes[] = {
	{"an exact path twice in a file", "/a/b 1\n/a/b 2\n",
		.asks = {{"/a/b", 0, {"2", "1", "1"}}, {"/a/b", DIR, {"2", "1", "1"}}}},
	{"the earlier with a type", "/a/b -- 1\n/a/b 2\n",
		.asks = {{"/a/b", 0, {"2", "1", "1"}}, {"/a/b", REG, {"2", "1", "1"}},
			{"/a/b", DIR, {"2", "2", "2"}}}},
	{"the later with a type", "/a/b 1\n/a/b -- 2\n",
		.asks = {{"/a/b", 0, {"2", "2", "1"}}, {"/a/b", REG, {"2", "2", "1"}},
			{"/a/b", DIR, {"1", "1", "1"}}}},
	{"an exact path in all files", "/a/b 1\n", "/a/b 2\n", "/a/b 3\n",
		.asks = {{"/a/b", 0, {"3", "1", "3"}}, {"/a/b", DIR, {"3", "1", "3"}}}},
	{"with a type in the base file only", "/a/b -- 1\n", .local = "/a/b 3\n",
		.asks = {{"/a/b", 0, {"3", "1", "3"}}, {"/a/b", REG, {"3", "1", "3"}},
			{"/a/b", DIR, {"3", "3", "3"}}}},
	{"with a type in .local only", "/a/b 1\n", .local = "/a/b -- 3\n",
		.asks = {{"/a/b", 0, {"3", "3", "3"}}, {"/a/b", DIR, {"1", "1", "1"}}}},
	{"other types elsewhere", "/a/b -d 1\n", "/a/b -- 2\n", "/a/b 3\n",
		.asks = {{"/a/b", 0, {"3", "2", "3"}}, {"/a/b", REG, {"3", "2", "3"}},
			{"/a/b", DIR, {"3", "1", "3"}}}},
	{"both in the base file, one in .local", "/a/b -- 1\n/a/b 0\n",
		.local = "/a/b -- 2\n",
		.asks = {{"/a/b", REG, {"2", "1", "2"}}, {"/a/b", DIR, {"0", "0", "0"}}}},
	{"a directory in .local", "/a/b -- 1\n", .local = "/a/b -d 2\n",
		.asks = {{"/a/b", 0, {"2", "1", "2"}}, {"/a/b", REG, {"1", "1", "1"}},
			{"/a/b", DIR, {"2", "2", "2"}}}},
	{"all types",
		"/a/b -b b\n/a/b -c c\n/a/b -d d\n/a/b -p p\n/a/b -l l\n/a/b -s s\n"
		"/a/b -- r\n",
		.asks = {{"/a/b", 0, {"r", "r", "b"}}, {"/a/b", REG, {"r", "r", "r"}},
			{"/a/b", S_IFSOCK, {"s", "s", "s"}},
			{"/a/b", S_IFBLK, {"b", "b", "b"}}}},
	{"all types, the other way round",
		"/a/b -- r\n/a/b -s s\n/a/b -l l\n/a/b -p p\n/a/b -d d\n/a/b -c c\n"
		"/a/b -b b\n",
		.asks = {{"/a/b", 0, {"b", "r", "r"}}, {"/a/b", DIR, {"d", "d", "d"}}}},
	{"three types", "/a/b -l 1\n/a/b -d 2\n/a/b -- 3\n",
		.asks = {{"/a/b", 0, {"3", "3", "1"}}, {"/a/b", DIR, {"2", "2", "2"}}}},
	{"exact paths that are spelled differently",
		"/a\\.b 1\n/a[.]b 2\n/a\\.b -- 3\n/a\\-b 4\n/a-b 5\n",
		.asks = {{"/a.b", 0, {"3", "3", "1"}}, {"/a-b", 0, {"5", "4", "4"}}}},
	{"<<none>> in the first of them", "/a/b <<none>>\n/a/b 2\n",
		.asks = {{"/a/b", REG, {"2", "<<none>>", "<<none>>"}}}},
	{"<<none>> in the last of them", "/a/b 2\n/a/b <<none>>\n",
		.asks = {{"/a/b", REG, {"<<none>>", "2", "2"}}}},
	{"<<none>> below a longer stem", "/usr/lib/x/.* <<none>>\n/usr/.* c\n",
		.asks = {{"/usr/lib/x/y", REG, {"c", "<<none>>", "<<none>>"}},
			{"/usr/lib/y", REG, {"c", "c", "c"}}}},
	{"<<none>> below a longer stem, in other files", "/usr/lib/.* <<none>>\n",
		"/usr/.* c\n", "/.* d\n",
		.asks = {{"/usr/lib/y", REG, {"d", "<<none>>", "<<none>>"}},
			{"/usr/y", REG, {"d", "d", "d"}}}},
	{"<<none>> in the same stem", "/b.* <<none>>\n/b.* 2\n",
		.asks = {{"/bb", REG, {"2", "2", "2"}}}},
	{"types that there are not", "/a.* -- 1\n/c 4\n/d.* 6\n/d.* -d 7\n",
		.asks = {{"/a", 0170000, {"-", "1", "1"}},
			{"/a", 0030000, {"-", "1", "1"}}, {"/a", 0644, {"1", "1", "1"}},
			{"/a", 01000000, {"1", "1", "1"}},
			{"/c", 0150000, {"4", "4", "4"}},
			{"/d", 0170000, {"6", "7", "7"}}, {"/d", 0, {"7", "7", "7"}}}},
	{"a stem with a backslash", "/.* all\n/us\\-r/x.* y\n/us\\.r/.* z\n/q\\:r/.* w\n",
		.asks = {{"/us-r/xx", 0, {"all", "y", "y"}},
			{"/us.r/q", 0, {"z", "z", "z"}}, {"/q:r/x", 0, {"all", "w", "w"}},
			{"/us\\-r/xx", 0, {"all", "all", "all"}}}},
	{"a stem with a bracket or a class",
		"/.* all\n/x\\]/w/.* s\n/x]/y/.* q\n/a\\d/x d\n",
		.asks = {{"/x]/w/a", 0, {"all", "s", "s"}},
			{"/x]/y/a", 0, {"q", "q", "q"}},
			{"/a1/x", 0, {"all", "d", "d"}}}},
	{"stems of more than one component",
		"/.* all\n/a/b/*x y\n/a/b/c/*x z\n/a/b/c/d/*x w\n/a/b/c/d/e/*x v\n",
		.asks = {{"/a/bx", 0, {"y", "all", "all"}},
			{"/a/b/x", 0, {"y", "y", "y"}},
			{"/a/b/cx", 0, {"z", "all", "all"}},
			{"/a/b/c/dx", 0, {"w", "w", "w"}},
			{"/a/b/c/d/ex", 0, {"v", "v", "v"}}}},
	{"a stem that ends in what may be left out", "/.* all\n/a/b/?(.*)? q\n",
		.asks = {{"/a/b", 0, {"q", "all", "all"}},
			{"/a/bx", 0, {"q", "all", "all"}},
			{"/a/b/x", 0, {"q", "q", "q"}}}},
	{"a stem of the first component", "/.* all\n/usr/*x.* y\n/usr/{0,1}x.* z\n",
		.asks = {{"/usrx", 0, {"all", "all", "all"}},
			{"/usr/x", 0, {"z", "z", "z"}},
			{"/usr/xx/a", 0, {"z", "z", "z"}}}},
	{"stems inside groups", "/.* all\n(/s1/bin/x|/s1b/y) q\n(/a/x|/b/z)/c w\n",
		.asks = {{"/s1/bin/x", 0, {"q", "q", "q"}},
			{"/s1b/y", 0, {"q", "all", "all"}},
			{"/a/x/c", 0, {"w", "w", "w"}},
			{"/b/z/c", 0, {"w", "all", "all"}}}},
	{"alternatives on top", "/.* all\n/s1/bin/x|/t/y q\n/m|/n/o s\n",
		.asks = {{"/s1/q/t/y", 0, {"q", "all", "all"}},
			{"/s1/bin/q/t/y", 0, {"q", "q", "q"}},
			{"/s1/t/y", 0, {"q", "all", "all"}},
			{"/t/y", 0, {"all", "all", "all"}},
			{"/s1/bin/xq", 0, {"q", "q", "q"}},
			{"/q/n/o", 0, {"s", "s", "s"}}, {"/mm", 0, {"s", "s", "s"}}}},
	{"what looks behind, across the stem", "/.* all\n/j\\b/k w\n/usr/(?<=r/)x q\n",
		.asks = {{"/j/k", 0, {"all", "w", "w"}}, {"/usr/x", 0, {"q", "q", "q"}}}},
	{"of two substitutions that fit", "/.* all\n/r1/.* 1\n/r2/.* 2\n",
		.subs = "/s /r1\n/s /r2\n",
		.asks = {{"/s/x", 0, {"2", "1", "2"}},
			{"/sx", 0, {"all", "all", "all"}}}},
	{"of two in .subs_dist, the longer first", "/.* all\n/r1/.* 1\n/r2/.* 2\n",
		.dist = "/s/t /r1\n/s /r2\n",
		.asks = {{"/s/x", 0, {"2", "2", "2"}}, {"/s/t/x", 0, {"2", "1", "2"}},
			{"/s/t", 0, {"2", "all", "2"}}}},
	{"of two in .subs_dist, the shorter first", "/.* all\n/r1/.* 1\n/r2/.* 2\n",
		.dist = "/s /r2\n/s/t /r1\n",
		.asks = {{"/s/x", 0, {"2", "2", "2"}}, {"/s/t/x", 0, {"1", "2", "1"}},
			{"/s/t", 0, {"all", "2", "all"}}}},
	{"two slashes that a substitution makes",
		"/.* all\n/r1//x/y lit\n/r1//z/.* re\n/r1/+w/v both\n//c/d two\n",
		.subs = "/s /r1/\n/u //c\n",
		.asks = {{"/s/x/y", 0, {"lit", "all", "lit"}},
			{"/s/z/q", 0, {"re", "all", "re"}},
			{"/s/w/v", 0, {"both", "both", "both"}},
			{"/u/d", 0, {"two", "all", "two"}}}},
	{"a relative path that a substitution makes",
		".* all\nr/.* rel\nr lit\nrr/s/.* deep\n", .subs = "/y r\n/z rr\n",
		.asks = {{"/y", 0, {"lit", "lit", "lit"}},
			{"/y/q", 0, {"rel", "rel", "rel"}},
			{"/z/s/t", 0, {"deep", "all", "all"}}}},
	{"{,n} of PCRE2", "/.* all\n/a{,2} q\n/b{,2}c.* r\n/d{,} t\n/x{,2}/y.* u\n",
		.asks = {{"/aa", 0, {"all", "q", "q"}},
			{"/a{,2}", 0, {"q", "all", "all"}},
			{"/bbc", 0, {"all", "r", "r"}},
			{"/b{,2}c", 0, {"r", "all", "all"}}, {"/c", 0, {"all", "r", "r"}},
			{"/d{,}", 0, {"t", "t", "t"}}, {"/xx/yz", 0, {"all", "u", "u"}},
			{"/x{,2}/yz", 0, {"u", "all", "all"}}}},
	{"a newline at the end",
		"/.* all\n/lit l\n/a/lit l2\n/re.? r\n/x]z s\n/x\\]y q\n",
		.asks = {{"/lit\n", 0, {"l", "all", "all"}},
			{"/a/lit\n", 0, {"l2", "all", "all"}},
			{"/re\n", 0, {"r", "r", "r"}}, {"/x]z\n", 0, {"s", "s", "s"}},
			{"/x]y\n", 0, {"q", "all", "all"}},
			{"/lit\n\n", 0, {"all", "all", "all"}},
			{"/lit\n/b", 0, {"all", "all", "all"}}}},
	{"what is exact", "/x\\ey q\n/x\\:y r\n/x]y s\n/x. l\n/x.y m\n/x\\-y n\n",
		.asks = {{"/x\033y", 0, {"q", "m", "m"}}, {"/x:y", 0, {"r", "m", "m"}},
			{"/x]y", 0, {"s", "m", "m"}}, {"/x-y", 0, {"n", "n", "n"}}}},
};
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

/* The scenes' columns, the oldest first. */
static const enum labeler_version columns[LABELER_VERSIONS] = {
	LABELER_3_4, LABELER_3_8, LABELER_3_11};

static struct place place;

static void write_policy(const struct scene *s)
{
	place_clear(&place);
	place_text(&place, "file_contexts", s->base);
	if (s->homedirs)
		place_text(&place, "file_contexts.homedirs", s->homedirs);
	if (s->local)
		place_text(&place, "file_contexts.local", s->local);
	if (s->dist)
		place_text(&place, "file_contexts.subs_dist", s->dist);
	if (s->subs)
		place_text(&place, "file_contexts.subs", s->subs);
}

static struct labeler *open_version(enum labeler_version v)
{
	struct labeler *l;
	struct err e;

	if (place_open_as(&place, &l, LABELER_MATCHER, v, &e) < 0)
		errx(1, "%s", e.msg);
	return l;
}

static const char *context(const struct labeler_result *r)
{
	return r->rule ? r->rule->context : "-";
}

static bool same_label(const char *a, const char *b)
{
	bool none_a = strcmp(a, "-") == 0 || strcmp(a, "<<none>>") == 0;
	bool none_b = strcmp(b, "-") == 0 || strcmp(b, "<<none>>") == 0;

	return none_a || none_b ? none_a == none_b : strcmp(a, b) == 0;
}

/* The versions whose label is another than the one in this column. */
static unsigned differing(const char *const want[], int column)
{
	unsigned bits = 0;

	for (int c = 0; c < LABELER_VERSIONS; c++)
		if (!same_label(want[c], want[column]))
			bits |= 1u << columns[c];
	return bits;
}

static void test_column(const struct scene *s, int column)
{
	const char *name = labeler_version_text(columns[column]);
	struct labeler *l = open_version(columns[column]);

	for (size_t i = 0; i < ASKS && s->asks[i].path; i++) {
		const char *path = s->asks[i].path;
		const char *const *want = s->asks[i].want;
		struct labeler_explanation x;
		struct labeler_result r;
		char shown[64];
		struct err e = {0};

		quote_path(shown, sizeof(shown), path);
		if (labeler_lookup(l, path, s->asks[i].mode, &r, &e) < 0 ||
			labeler_explain(l, path, s->asks[i].mode, &x, &e) < 0)
			errx(1, "%s", e.msg);
		is_str(context(&r), want[column], "%s: %s %o in %s", s->what, shown,
			s->asks[i].mode, name);
		is_int(r.differs, differing(want, column), "%s: %s: others", s->what,
			shown);
		for (int c = 0; c < LABELER_VERSIONS; c++)
			is_str(context(&x.versions[columns[c]]), want[c],
				"%s: %s: %s explained in %s", s->what, shown,
				labeler_version_text(columns[c]), name);
		labeler_explanation_free(&x);
	}
	labeler_close(l);
}

int main(void)
{
	place_make(&place);
	for (size_t i = 0; i < SCENES; i++) {
		write_policy(&scenes[i]);
		for (int c = 0; c < LABELER_VERSIONS; c++)
			test_column(&scenes[i], c);
	}
	place_remove(&place);
	return done_testing();
}
